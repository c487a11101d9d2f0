/// A relay that costs as little as it can, so that a measurement is of those who send.
///
/// Usage: bench_relay ADDRESS PORT JOURNAL [CERTIFICATE AUTH-PLAIN]
///
/// It accepts every message and writes a line "recipient octets" to JOURNAL. With a certificate (key and chain in one
/// PEM file) it offers STARTTLS, then AUTH PLAIN, and takes mail only of who sends AUTH-PLAIN, the initial response in
/// base64. One thread per connection. Stopped (SIGSTOP) it is a silent relay: the kernel takes connections, nobody
/// greets them.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "relay_stream.h"

namespace {

struct Relay {
  int journal = -1;
  SSL_CTX* tls = nullptr;
  std::string account;
};

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::string upper(std::string text) {
  for (char& each : text)
    if (each >= 'a' && each <= 'z') each = static_cast<char>(each - 'a' + 'A');
  return text;
}

std::string between_brackets(const std::string& line) {
  const std::size_t begin = line.find('<');
  return begin == std::string::npos ? line : line.substr(begin + 1, line.find('>', begin) - begin - 1);
}

/// One client, from the greeting to QUIT.
class Session {
 public:
  Session(const Relay& relay, int descriptor) : relay_(relay), stream_(descriptor) {}

  void run() {
    stream_.reply("220 relay.test ESMTP");
    std::string line;
    while (going_on_ && stream_.read_line(line))
      obey(line);
  }

 private:
  void obey(const std::string& line) {
    const std::string verb = upper(line.substr(0, 4));
    if (verb == "EHLO" || verb == "HELO") {
      capabilities();
    } else if (verb == "STAR" && relay_.tls != nullptr && !stream_.secure()) {
      stream_.reply("220 2.0.0 Ready");
      going_on_ = stream_.start_tls(relay_.tls);
    } else if (verb == "AUTH" && stream_.secure()) {
      authenticate(line);
    } else if (verb == "MAIL") {
      stream_.reply(authenticated_ || relay_.tls == nullptr ? "250 2.1.0 Ok" : "530 5.7.0 Authentication required");
    } else if (verb == "RCPT") {
      recipient_ = between_brackets(line);
      stream_.reply("250 2.1.5 Ok");
    } else if (verb == "DATA") {
      take_content();
    } else if (verb == "QUIT") {
      stream_.reply("221 2.0.0 Bye");
      going_on_ = false;
    } else {
      stream_.reply(verb == "RSET" || verb == "NOOP" ? "250 2.0.0 Ok" : "502 5.5.2 Not known");
    }
  }

  void capabilities() {
    stream_.reply("250-relay.test");
    stream_.reply("250-PIPELINING");
    stream_.reply("250-SIZE 104857600");
    if (relay_.tls != nullptr) stream_.reply(stream_.secure() ? "250-AUTH PLAIN" : "250-STARTTLS");
    stream_.reply("250-ENHANCEDSTATUSCODES");
    stream_.reply("250 8BITMIME");
  }

  void authenticate(const std::string& line) {
    std::string response = line.size() > 11 ? line.substr(11) : "";
    if (response.empty()) {
      stream_.reply("334 ");
      going_on_ = stream_.read_line(response);
    }
    authenticated_ = response == relay_.account;
    stream_.reply(authenticated_ ? "235 2.7.0 Ok" : "535 5.7.8 No such account");
  }

  void take_content() {
    if (recipient_.empty() || (relay_.tls != nullptr && !authenticated_)) return stream_.reply("503 5.5.1 Not now");
    stream_.reply("354 Go on");
    const long octets = stream_.read_content();
    if (octets < 0) {
      going_on_ = false;
      return;
    }
    const std::string entry = recipient_ + " " + std::to_string(octets) + "\n";
    const bool kept = ::write(relay_.journal, entry.data(), entry.size()) == static_cast<ssize_t>(entry.size());
    stream_.reply(kept ? "250 2.0.0 Ok: queued" : "451 4.3.0 No journal");
    recipient_.clear();
  }

  const Relay& relay_;
  RelayStream stream_;
  std::string recipient_;
  bool authenticated_ = false;
  bool going_on_ = true;
};

int listen_at(const char* address, const char* port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  // Long enough that a stopped relay still takes the connections of a whole queue.
  if (::inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
      ::bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(listener, 4096) != 0)
    give_up(address);
  return listener;
}

SSL_CTX* server_context(const char* certificate) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, certificate, SSL_FILETYPE_PEM) != 1)
    give_up(certificate);
  return context;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 6) {
    std::fputs("usage: bench_relay ADDRESS PORT JOURNAL [CERTIFICATE AUTH-PLAIN]\n", stderr);
    return 1;
  }
  std::signal(SIGPIPE, SIG_IGN);  // SSL_write(3) writes without MSG_NOSIGNAL
  Relay relay;
  relay.journal = ::open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (relay.journal < 0) give_up(argv[3]);
  if (argc == 6) {
    relay.tls = server_context(argv[4]);
    relay.account = argv[5];
  }
  const int listener = listen_at(argv[1], argv[2]);
  for (;;) {
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const int yes = 1;
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    std::thread([&relay, client] { Session(relay, client).run(); }).detach();
  }
}
