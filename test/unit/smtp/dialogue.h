#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "catch.h"
#include "smtp/transaction.h"

namespace relaypipe {

// A dialogue is written in one line. After `>` stand the commands the transaction has to offer now (all of them, and
// nothing else); after `<` what the relay says: `250` is a line, `250-` one that is continued, `+25` octets without
// line end, any other word a line as it is. `content`, `commit`, `withhold`, `closed` and `timeout` are what the owner
// does.
struct Dialogue {
  std::string words;
  std::string outcome;  // and whether the owner may send QUIT or has to drop the connection
};

/// How the relay's octets are cut: in two at an offset counted over the dialogue, or singly; ours then go singly too.
struct Cut {
  std::size_t at = 0;
  bool singly = false;
};

inline std::string codes(const std::vector<Reply>& replies) {
  std::string text;
  for (const Reply& reply : replies)
    text += " " + std::to_string(reply.code);
  return text;
}

struct Shown {
  std::string operator()(const Accepted& r) const { return "accepted" + codes({r.reply}); }
  std::string operator()(const Refused& r) const { return "refused " + std::string(name(r.stage)) + codes({r.reply}); }
  std::string operator()(const RecipientsRefused& r) const { return "recipients" + codes(r.replies); }
  std::string operator()(const Deliverable& r) const { return "deliverable" + codes({r.reply}); }
  std::string operator()(const Lost& r) const {
    return "lost " + std::string(name(r.stage)) + (r.loss == Loss::Closed ? " closed" : " timeout");
  }
  std::string operator()(const ProtocolError& r) const {
    return "garbled " + std::string(name(r.stage)) + ": " + unquoted(r.what);
  }
  std::string operator()(const Unconfirmed& r) const { return "unconfirmed: " + unquoted(r.what); }

  /// Of a line that is no reply as much is quoted as had come, and that depends on the cut.
  static std::string unquoted(const std::string& what) { return what.substr(0, what.find(": \"")); }
  std::string operator()(const Aborted& r) const { return "withheld " + std::string(name(r.stage)); }
};

inline std::string outcome(const Transaction& transaction) {
  if (transaction.want() != Transaction::Want::Finished) return "open " + std::string(name(transaction.stage()));
  return std::visit(Shown{}, transaction.result()) + (transaction.may_quit() ? ", quit" : ", drop");
}

/// Plays one dialogue against one transaction.
class Player {
 public:
  using Goal = TransactionRequest::Goal;
  Player(std::size_t recipients, bool pipelining, Cut cut, Goal goal = Goal::All)
      : transaction_(request(recipients, pipelining, goal)), cut_(cut) {}

  std::string play(std::string_view words) {
    std::istringstream in{std::string(words)};
    for (std::string word; in >> word;)
      take(word);
    take("end");
    return outcome(transaction_);
  }
  [[nodiscard]] std::size_t received() const { return received_; }
  Transaction& transaction() { return transaction_; }

 private:
  static TransactionRequest request(std::size_t recipients, bool pipelining, Goal goal) {
    TransactionRequest made{"MAIL FROM:<s@example.com>", {}, pipelining};
    made.goal = goal;
    for (std::size_t i = 0; i < recipients; ++i)
      made.rcpt.push_back("RCPT TO:<r" + std::to_string(i) + "@example.org>");
    return made;
  }

  void take(const std::string& word) {
    const bool act =
        word == "content" || word == "commit" || word == "withhold" || word == "closed" || word == "timeout";
    if (word == ">" || word == "<" || word == "end" || act) {
      flush();
      side_ = word;
      if (act) owner_does(word);
    } else if (side_ == ">") {
      text_ += command(word) + "\r\n";
    } else {
      text_ += word.starts_with('+') ? word.substr(1) : word + (word.ends_with('-') ? "more\r\n" : "\r\n");
    }
  }

  std::string command(const std::string& word) {
    if (word == "MAIL") return "MAIL FROM:<s@example.com>";
    if (word == "RCPT") return "RCPT TO:<r" + std::to_string(asked_++) + "@example.org>";
    return word;
  }

  void owner_does(const std::string& what) {
    using Want = Transaction::Want;
    if (what == "content") REQUIRE(transaction_.want() == Want::Content);
    if (what == "commit") REQUIRE(transaction_.want() == Want::Commit);
    if (what == "content") transaction_.content_sent();
    if (what == "commit") transaction_.commit();
    if (what == "withhold") transaction_.abort();
    if (what == "closed") transaction_.lost(Loss::Closed);
    if (what == "timeout") transaction_.lost(Loss::TimedOut);
  }

  void flush() {
    if (side_ == ">") send();
    if (side_ == "<") receive();
    text_.clear();
  }

  void send() {
    REQUIRE(transaction_.output() == text_);
    REQUIRE(transaction_.want() == Transaction::Want::Exchange);
    if (!cut_.singly) return transaction_.sent(text_.size());
    for (std::size_t i = 0; i < text_.size(); ++i) {
      REQUIRE(transaction_.output() == std::string_view(text_).substr(i));
      transaction_.sent(1);
    }
  }

  void receive() {
    const std::string_view text = text_;
    const std::size_t at = std::min(cut_.at - std::min(cut_.at, received_), text.size());
    received_ += text.size();
    if (!cut_.singly) {
      transaction_.receive(text.substr(0, at));
      return transaction_.receive(text.substr(at));
    }
    for (const char c : text)
      transaction_.receive(std::string_view(&c, 1));
  }

  Transaction transaction_;
  Cut cut_;
  std::string side_;
  std::string text_;
  std::size_t asked_ = 0;
  std::size_t received_ = 0;
};

/// Whether the dialogue ends as it says, however the octets of both sides are cut.
inline void check(std::size_t recipients, bool pipelining, const Dialogue& dialogue,
                  Player::Goal goal = Player::Goal::All) {
  CAPTURE(recipients, pipelining, dialogue.words);
  Player whole(recipients, pipelining, Cut{}, goal);
  CHECK(whole.play(dialogue.words) == dialogue.outcome);
  CHECK(Player(recipients, pipelining, Cut{0, true}, goal).play(dialogue.words) == dialogue.outcome);
  for (std::size_t at = 1; at < whole.received(); ++at) {
    const bool same = Player(recipients, pipelining, Cut{at}, goal).play(dialogue.words) == dialogue.outcome;
    if (!same) FAIL_CHECK("cut at " << at);
  }
}

inline void check_all(std::size_t recipients, bool pipelining, std::initializer_list<Dialogue> dialogues,
                      Player::Goal goal = Player::Goal::All) {
  for (const Dialogue& dialogue : dialogues)
    check(recipients, pipelining, dialogue, goal);
}

}  // namespace relaypipe
