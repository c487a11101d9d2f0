#include "http/header_recipients.h"

#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "fake/fake_world.h"

namespace relaypipe {
namespace {

Envelope to(const std::vector<std::string>& recipients) {
  Envelope envelope;
  for (const std::string& recipient : recipients)
    envelope.recipients.push_back(*parse_address(recipient));
  return envelope;
}

/// The message as it goes out by an interface that writes to its header, or why it does not.
std::string sent(std::string_view content, const std::vector<std::string>& recipients) {
  fake::FakeMessage message;
  message.arrives(content);
  message.ends();
  const HeaderRecipients header = read_header_recipients(message);
  const Envelope envelope = to(recipients);
  if (!header.problem.empty()) return "problem: " + header.problem;
  if (const Address* const other = find_other_recipient(header, envelope)) return "other: " + other->text();
  EditedMessage edited(message, header_edits(header, bcc_field(header, envelope)));
  std::string wire;
  for (std::string_view piece = edited.read(0); wire.size() < edited.facts().wire; piece = edited.read(wire.size()))
    wire += piece;
  return wire;
}

TEST_CASE("E is the envelope's recipients, H those of To and Cc") {
  struct Row {
    std::string content;
    std::vector<std::string> recipients;
    std::string sent;
  };
  const Row row = GENERATE(values<Row>({
      // H = E: as it is.
      {"To: a@x.example\n\nb\n", {"a@x.example"}, "To: a@x.example\r\n\r\nb\r\n"},
      {"To: A <a@x.example>\nCc: b@x.example\n\nb\n",
       {"b@x.example", "a@x.example"},
       "To: A <a@x.example>\r\nCc: b@x.example\r\n\r\nb\r\n"},
      {"To: \"A\" <A@X.example>\n\nb\n", {"a@x.EXAMPLE"}, "To: \"A\" <A@X.example>\r\n\r\nb\r\n"},
      // E has more: they become Bcc.
      {"To: a@x.example\n\nb\n", {"a@x.example", "c@x.example"}, "To: a@x.example\r\nBcc: c@x.example\r\n\r\nb\r\n"},
      {"To: undisclosed-recipients:;\n\nb\n",
       {"a@x.example", "c@x.example"},
       "To: undisclosed-recipients:;\r\nBcc: a@x.example,\r\n c@x.example\r\n\r\nb\r\n"},
      {"Subject: s\n\nb\n", {"a@x.example"}, "Subject: s\r\nBcc: a@x.example\r\n\r\nb\r\n"},
      // Nobody says that an interface writes to Resent- fields.
      {"To: a@x.example\nResent-To: c@x.example\n\nb\n",
       {"a@x.example", "c@x.example"},
       "To: a@x.example\r\nResent-To: c@x.example\r\nBcc: c@x.example\r\n\r\nb\r\n"},
      {" no header\n", {"a@x.example"}, "Bcc: a@x.example\r\n\r\n no header\r\n"},
      // H has more: never.
      {"To: a@x.example, c@x.example\n\nb\n", {"a@x.example"}, "other: c@x.example"},
      {"To: a@x.example\nCc: team: c@x.example;\n\nb\n", {"a@x.example"}, "other: c@x.example"},
      {"To: a@x.example\nResent-To: c@x.example\n\nb\n", {"c@x.example"}, "other: a@x.example"},
      {"To: a@x.example\nTo: c@x.example\n\nb\n", {"a@x.example"}, "other: c@x.example"},
      // A Bcc field of the message never goes out, whomever it names.
      {"Bcc: c@x.example\nTo: a@x.example\nBCC:\n d@x.example\nSubject: s\n\nb\n",
       {"a@x.example"},
       "To: a@x.example\r\nSubject: s\r\n\r\nb\r\n"},
      {"To: a@x.example\nBcc: c@x.example\n\nb\n",
       {"a@x.example", "c@x.example"},
       "To: a@x.example\r\nBcc: c@x.example\r\n\r\nb\r\n"},
      {"To: a@x.example\nResent-Bcc: c@x.example\n\nb\n", {"a@x.example"}, "To: a@x.example\r\n\r\nb\r\n"},
      {"To: a@x.example\n\nBcc: body@x.example\n", {"a@x.example"}, "To: a@x.example\r\n\r\nBcc: body@x.example\r\n"},
  }));
  INFO(row.content);
  CHECK(sent(row.content, row.recipients) == row.sent);
}

TEST_CASE("a header that is read in two ways names nobody for certain") {
  const std::string content = GENERATE(values<std::string>({
      "To: a@x.example c@x.example\n\nb\n",
      "To: \"a@x.example\n\nb\n",
      "To: someone\n\nb\n",
  }));
  INFO(content);
  CHECK(sent(content, {"a@x.example"}).starts_with("problem: its to field "));
}

}  // namespace
}  // namespace relaypipe
