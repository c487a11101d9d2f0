// A transaction as a dialogue: the octets say what the relay sends and when our side goes on; a model of the wire,
// which knows only what was sent, checks what RFC 5321 and the promises of relaypipe demand.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fuzz.h"
#include "smtp/transaction.h"

namespace {

using namespace relaypipe;
using Want = Transaction::Want;

/// The first letter says which kind of request; every further line is a step, see Dialogue::step().
TransactionRequest request_of(unsigned kind) {
  TransactionRequest request;
  request.mail = "MAIL FROM:<s@example.com>";
  for (unsigned i = 0; i <= kind % 3; ++i)
    request.rcpt.push_back("RCPT TO:<r" + std::to_string(i) + "@example.com>");
  request.pipelining = kind / 3 % 2 != 0;
  if (kind / 6 % 2 != 0) request.reports = {"XFORWARD NAME=client.example", "XFORWARD PROTO=ESMTP"};
  return request;
}

bool refuses(const Reply& reply) { return reply.soft() || reply.hard(); }

/// What a result says, as far as it must be the same for every cut of the same octets.
std::string in_words(const Transaction& transaction) {
  std::string words = std::to_string(transaction.result().index());
  if (const auto* const accepted = std::get_if<Accepted>(&transaction.result())) words += accepted->reply.text();
  if (const auto* const refused = std::get_if<Refused>(&transaction.result()))
    words += std::string(name(refused->stage)) + refused->reply.text();
  return words + std::string(name(transaction.stage())) + (transaction.may_quit() ? "quit" : "drop");
}

class Dialogue {
 public:
  Dialogue(const TransactionRequest& request, bool cut)
      : request_(request), transaction_(request), cut_(cut), expected_(commands_of(request)) {}

  /// `s7` sends at most 7 octets and `s` all there are, `c` sends the content, `d` commits, `w` withholds, `l` loses
  /// the connection, `t` the patience; everything else is received, with a line end unless it ends in `\`.
  void step(std::string_view line) {
    if (line.empty()) return;
    const bool alone = line.size() == 1;
    if (line[0] == 's' && line.size() <= 2)
      send(alone ? std::string::npos : static_cast<unsigned char>(line[1]) % 16);
    else if (alone && line[0] == 'c')
      send_content();
    else if (alone && line[0] == 'd')
      commit();
    else if (alone && line[0] == 'w')
      transaction_.abort();
    else if (alone && (line[0] == 'l' || line[0] == 't'))
      lose(line[0] == 'l' ? Loss::Closed : Loss::TimedOut);
    else if (line.back() == '\\')
      receive(line.substr(0, line.size() - 1));
    else
      receive(std::string(line) + "\r\n");
    check();
  }

  [[nodiscard]] const Transaction& transaction() const { return transaction_; }
  [[nodiscard]] bool finished() const { return transaction_.want() == Want::Finished; }

 private:
  static std::string commands_of(const TransactionRequest& request) {
    std::string all;
    for (const std::string& report : request.reports)
      all += report + "\r\n";
    all += request.mail + "\r\n";
    for (const std::string& rcpt : request.rcpt)
      all += rcpt + "\r\n";
    return all + "DATA\r\n";
  }

  void send(std::size_t most) {
    const std::string_view output = transaction_.output();
    const std::size_t count = std::min(most, output.size());
    (content_sent_ ? after_content_ : commands_).append(output.substr(0, count));
    transaction_.sent(count);
  }

  void send_content() {
    content_sent_ = content_sent_ || transaction_.want() == Want::Content;
    transaction_.content_sent();
  }

  void commit() {
    committed_ = committed_ || transaction_.want() == Want::Commit;
    transaction_.commit();
  }

  void lose(Loss loss) {
    transaction_.lost(loss);
    must(finished(), "nothing goes on without a connection");
  }

  void receive(std::string_view octets) {
    // A reply at a time, as the model has to know what each one found; the parser is the judge of what one is.
    while (!octets.empty()) {
      const std::size_t count = parser_.fault() ? octets.size() : parser_.feed(octets);
      pass_on(octets.substr(0, count));
      octets.remove_prefix(count);
      if (auto reply = parser_.take())
        apply(*std::move(reply));
      else if (finished() && !before_)
        before_ = 0;
    }
  }

  void pass_on(std::string_view octets) {
    before_ = finished() ? std::optional(transaction_.result().index()) : std::nullopt;
    if (!cut_) return transaction_.receive(octets);
    for (const char& c : octets)
      transaction_.receive({&c, 1});
  }

  /// What has to come of a reply, by the model.
  void apply(Reply reply) {
    const bool was_finished = before_.has_value();
    if (was_finished) return;
    ++replies_;
    if (reply.code == 421) said_421_ = true;
    const bool dot_sent = after_content_.size() >= 3;
    const bool dot_begun = !after_content_.empty();
    if (const auto* const accepted = finished() ? std::get_if<Accepted>(&transaction_.result()) : nullptr) {
      must(dot_sent && committed_, "nothing is accepted before the whole dot was sent", reply.text());
      must(reply.positive() && accepted->reply.code == reply.code, "only a 2yz to the dot accepts", reply.text());
    }
    if (reply.code == 421) {
      must(finished() && std::holds_alternative<Refused>(transaction_.result()), "421 ends it", reply.text());
    }
    if (dot_begun) {
      must(finished(), "the reply to the dot decides");
      must(refuses(reply) == std::holds_alternative<Refused>(transaction_.result()), "a refused dot is refused");
      must(!(reply.positive() && dot_sent) || std::holds_alternative<Accepted>(transaction_.result()),
           "a 2yz to the dot accepts", reply.text());
    }
    if (!finished() && reply.code != 354)
      answers_.push_back(std::move(reply));
    else if (reply.code == 354)
      said_354_ = true;
  }

  void check() {
    check_wire();
    const Want want = transaction_.want();
    if (want == Want::Content || want == Want::Commit || content_sent_) {
      must(said_354_, "no content before 354");
      must(commands_ == expected_, "no content before all commands were sent", commands_);
      const std::size_t needed = request_.reports.size() + 1 + request_.rcpt.size();
      must(answers_.size() >= needed, "no content before all were answered");
      const auto first = answers_.begin() + static_cast<std::ptrdiff_t>(request_.reports.size());
      must(std::all_of(first, first + 1 + static_cast<std::ptrdiff_t>(request_.rcpt.size()),
                       [](const Reply& reply) { return reply.positive(); }),
           "no content unless the sender and every recipient were accepted");
    }
    if (want == Want::Commit) must(content_sent_, "nothing is committed before the whole content was sent");
    if (want == Want::Finished) check_result();
    if (transaction_.may_quit()) check_quit();
  }

  void check_wire() const {
    must(expected_.starts_with(commands_), "the commands leave in their order", commands_);
    must(std::string_view(".\r\nQUIT\r\n").starts_with(after_content_), "the dot, then QUIT, and nothing else",
         after_content_);
    must(after_content_.empty() || committed_, "no dot before it was allowed", after_content_);
    must(request_.pipelining || after_content_.size() <= 3, "QUIT waits where nothing is pipelined", after_content_);
    const auto sent = static_cast<std::size_t>(std::count(commands_.begin(), commands_.end(), '\n'));
    must(request_.pipelining || sent <= replies_ + 1, "one command at a time", commands_);
    const bool data_begun = commands_.size() > expected_.size() - std::string_view("DATA\r\n").size();
    must(!data_begun || request_.rcpt.size() == 1 || answers_.size() + 1 >= sent,
         "DATA waits for every recipient where there are several", commands_);
  }

  void check_result() {
    must(transaction_.output().empty(), "nothing is sent after the end");
    const TransactionResult& result = transaction_.result();
    const bool dot_begun = !after_content_.empty();
    must(!index_ || *index_ == result.index(), "a result stands");
    index_ = result.index();
    // Of a dot that was begun and did not leave whole the relay can have taken no message.
    const bool broken_off = dot_begun && after_content_.size() < 3 && std::holds_alternative<Lost>(result);
    if (broken_off) {
      must(transaction_.stage() == Stage::Content, "the content is what was lost");
    } else if (dot_begun) {
      must(std::holds_alternative<Accepted>(result) || std::holds_alternative<Refused>(result) ||
               std::holds_alternative<Unconfirmed>(result),
           "after the dot there are three results");
      must(transaction_.stage() == Stage::EndOfData, "and one stage");
    } else {
      must(!std::holds_alternative<Accepted>(result) && !std::holds_alternative<Unconfirmed>(result),
           "before the dot nothing was committed");
    }
    if (const auto* const refused = std::get_if<Refused>(&result))
      must(refuses(refused->reply), "a refusal is a 4yz or 5yz", refused->reply.text());
    if (const auto* const recipients = std::get_if<RecipientsRefused>(&result)) {
      must(!content_sent_, "no content when a recipient was refused");
      must(recipients->replies.size() == request_.rcpt.size(), "every recipient has its reply");
      must(std::any_of(recipients->replies.begin(), recipients->replies.end(), refuses), "one of them was refused");
    }
  }

  void check_quit() const {
    must(!said_421_, "no QUIT to a relay that leaves");
    must(!content_sent_ || after_content_.empty() || after_content_ == ".\r\n", "one QUIT only", after_content_);
    const bool in_content = said_354_ && after_content_.size() < 3;
    must(!in_content, "no QUIT inside the content");
    must(commands_.empty() || commands_.ends_with("\r\n"), "no QUIT inside a command", commands_);
  }

  TransactionRequest request_;
  Transaction transaction_;
  bool cut_;
  std::string expected_;
  std::string commands_;
  std::string after_content_;
  ReplyParser parser_;
  std::vector<Reply> answers_;
  std::size_t replies_ = 0;
  std::optional<std::size_t> before_;  // the result before the octets that were just received
  std::optional<std::size_t> index_;
  bool content_sent_ = false;
  bool committed_ = false;
  bool said_354_ = false;
  bool said_421_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const TransactionRequest request = request_of(data[0]);
  Dialogue whole(request, false);
  Dialogue cut(request, true);
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    whole.step(line);
    cut.step(line);
    must(whole.finished() == cut.finished(), "every cut of the octets ends at the same place");
  }
  if (whole.finished()) {
    must(in_words(whole.transaction()) == in_words(cut.transaction()), "and with the same result",
         in_words(whole.transaction()));
  }
  return 0;
}
