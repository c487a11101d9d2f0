/// The least a program needs to send one message by libcurl: what relaypipe's own cost is held against.
///
/// Usage: bench_bare URL SENDER RECIPIENT [CA-DIRECTORY USER PASSWORD-FILE] <message
///
/// With an account it asks for STARTTLS and says AUTH PLAIN with an initial response, and looks into the directory of
/// authorities instead of reading the whole bundle, as relaypipe does. It is linked to the same libcurl with the same
/// choices as relaypipe. It decides nothing, tells nothing and remembers nothing.

#include <curl/curl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace {

constexpr int kTemporaryFailure = 75;

std::size_t read_standard_input(char* to, std::size_t size, std::size_t count, void*) {
  const ssize_t got = ::read(STDIN_FILENO, to, size * count);
  return got < 0 ? CURL_READFUNC_ABORT : static_cast<std::size_t>(got);
}

std::string first_line(const char* path) {
  char text[256] = "";
  if (std::FILE* const file = std::fopen(path, "r")) {
    if (std::fgets(text, sizeof text, file) == nullptr) text[0] = '\0';
    std::fclose(file);
  }
  std::string line = text;
  return line.substr(0, line.find('\n'));
}

void use_account(CURL* handle, const char* ca_directory, const char* user, const char* password_file) {
  curl_easy_setopt(handle, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
  curl_easy_setopt(handle, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(handle, CURLOPT_CAPATH, ca_directory);
  curl_easy_setopt(handle, CURLOPT_USERNAME, user);
  curl_easy_setopt(handle, CURLOPT_PASSWORD, first_line(password_file).c_str());
  curl_easy_setopt(handle, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN");
  curl_easy_setopt(handle, CURLOPT_SASL_IR, 1L);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 7) {
    std::fputs("usage: bench_bare URL SENDER RECIPIENT [CA-DIRECTORY USER PASSWORD-FILE]\n", stderr);
    return kTemporaryFailure;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL* const handle = curl_easy_init();
  curl_slist* const recipients = curl_slist_append(nullptr, argv[3]);
  curl_easy_setopt(handle, CURLOPT_URL, argv[1]);
  curl_easy_setopt(handle, CURLOPT_MAIL_FROM, argv[2]);
  curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, recipients);
  curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(handle, CURLOPT_CRLF, 1L);
  curl_easy_setopt(handle, CURLOPT_READFUNCTION, read_standard_input);
  if (argc == 7) use_account(handle, argv[4], argv[5], argv[6]);
  const CURLcode result = curl_easy_perform(handle);
  if (result != CURLE_OK) std::fprintf(stderr, "%s\n", curl_easy_strerror(result));
  curl_slist_free_all(recipients);
  curl_easy_cleanup(handle);
  curl_global_cleanup();
  return result == CURLE_OK ? 0 : kTemporaryFailure;
}
