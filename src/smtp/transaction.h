#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/reply.h"
#include "smtp/stage.h"
#include "smtp/transaction_request.h"
#include "smtp/transaction_result.h"

namespace relaypipe {

/// XFORWARD where wanted, then MAIL, RCPT, DATA, content, dot (RFC 5321 3.3) as a state machine without I/O: octets to
/// send come out, octets received go in. The owner streams the content itself and decides about the dot.
///
/// With PIPELINING one recipient's MAIL, RCPT and DATA leave in one group. With several recipients DATA waits for all
/// RCPT replies, because after a 354 there is no way back but to drop the connection: all, or with Goal::Some one of
/// them, must be accepted before the content is sent.
class Transaction {
 public:
  explicit Transaction(TransactionRequest request);

  enum class Want {
    Exchange,  ///< send output() if there is any, and read
    Content,   ///< 354 came: send the content, reading replies meanwhile, then call content_sent()
    Commit,    ///< the whole content was sent: check that it may still be committed, then commit() or abort()
    Finished,  ///< result() is there, and where the session goes on the replies to all that was sent
  };
  [[nodiscard]] Want want() const;
  /// Octets to send now; stable until sent() or receive() is called.
  [[nodiscard]] std::string_view output() const;
  /// The first `count` octets of output() were handed to the connection. The dot counts as sent with its first octet.
  void sent(std::size_t count);
  void content_sent();
  /// Releases the final dot. Once an octet of it was sent only a reply can tell the outcome.
  void commit();
  /// Breaks off: nothing is committed. Only before the first octet of the dot was sent; afterwards it has no effect on
  /// the result. No reply is waited for, but for the dot's.
  void abort();
  /// Octets that came from the relay, cut anywhere.
  void receive(std::string_view octets);
  /// The connection ended, or the time for the awaited reply did. The last `unsent` octets handed to the connection
  /// never left: without its whole dot the relay has no message.
  void lost(Loss loss, std::size_t unsent = 0);
  /// The stage whose reply is awaited (Content while the content is being sent): it chooses the time limit.
  [[nodiscard]] Stage stage() const;
  /// Complete replies so far: the time limit of a stage is one reply's, and a drip is no reply.
  [[nodiscard]] std::size_t replies() const { return replies_; }
  /// The replies to RCPT so far, in their order.
  [[nodiscard]] const std::vector<Reply>& recipient_replies() const { return recipients_; }
  /// The refusals of TransactionRequest::reports so far.
  [[nodiscard]] const std::vector<Reply>& refused_reports() const { return refused_reports_; }
  /// Only when Finished. Later replies do not change it.
  [[nodiscard]] const TransactionResult& result() const { return *result_; }
  /// Whether a QUIT may be sent on this connection: the relay is at a command boundary and in step, not inside DATA nor
  /// perhaps so (DATA sent, reply to come), it did not say 421, and QUIT was not sent yet. What the relay says after
  /// the result still counts here.
  [[nodiscard]] bool may_quit() const;
  /// Whether the relay may hold the transaction open: it took MAIL, and has not answered the dot.
  [[nodiscard]] bool is_open() const { return open_; }

 private:
  /// Commands until 354, Content until content_sent(), ContentSent until commit(), then Dot.
  enum class Phase { Commands, Content, ContentSent, Dot };
  /// A command whose reply has not come. It has left when `end` octets were sent on this connection in all.
  struct Awaited {
    Stage stage;
    std::uint64_t end;
    bool report = false;
    bool pipelined = false;  ///< sent before the reply to the one before it
  };

  [[nodiscard]] bool dot_begun() const { return phase_ == Phase::Dot && sent_ > dot_begin_; }
  [[nodiscard]] bool awaits_pipelined() const;
  [[nodiscard]] bool awaits_late_replies() const;
  void queue(std::string_view octets);
  void ask(Stage stage, std::string_view command, bool report = false);
  bool ask_first();
  void proceed();
  [[nodiscard]] bool may_go_on() const;
  void take_reply(Reply reply);
  void take_command_reply(Reply reply);
  void take_dot_reply(Reply reply);
  void take_late_reply(const Reply& reply);
  void garbled(std::string what);
  void finish(Stage at, TransactionResult result);

  TransactionRequest request_;
  Phase phase_ = Phase::Commands;
  std::size_t asked_first_ = 0;  // reports that were asked, and then MAIL
  std::deque<Awaited> awaited_;  // in the order of sending; never empty in Phase::Commands
  std::vector<Reply> refused_reports_;
  std::vector<Reply> recipients_;  // replies to RCPT
  ReplyParser parser_;
  std::size_t replies_ = 0;

  // The content is not counted here: the owner streams it between two groups of ours.
  std::string output_;
  std::size_t output_sent_ = 0;
  std::uint64_t queued_ = 0;  // octets ever put into output_
  std::uint64_t sent_ = 0;    // octets of these handed to the connection
  std::uint64_t dot_begin_ = 0;
  std::uint64_t dot_end_ = 0;

  bool at_line_end_ = true;  // the last octet of ours ended a command
  bool in_data_ = false;     // the relay takes what comes as content
  bool open_ = false;        // MAIL was taken, the dot is not answered
  bool usable_ = true;       // the connection stands and both sides are in step
  std::optional<TransactionResult> result_;
  Stage final_stage_ = Stage::Mail;
};

}  // namespace relaypipe
