#include "deliver/from_rewriting.h"

#include <string>
#include <string_view>

#include "catch.h"
#include "fake/fake_world.h"

namespace relaypipe {
namespace {

const AddressRewriting kConstant{"new@b.example", {}};

AddressRewriting by_domain() {
  AddressRewriting rewriting;
  rewriting.rules.push_back({*parse_address_pattern("@a.example"), "@b.example"});
  return rewriting;
}

struct Rewritten {
  std::string header;
  std::string address;
  std::string problem;
};

/// A header, given with its line ends, as it becomes.
Rewritten made_of(const AddressRewriting& rewriting, std::string_view header) {
  fake::FakeMessage message;
  message.arrives(header);
  message.arrives("\nbody\n");
  message.ends();
  FromRewriting made = rewrite_from(message, rewriting, "+");
  EditedMessage edited(message, made.edits);
  std::string wire;
  while (wire.size() < edited.facts().wire) {
    const std::string_view piece = edited.read(wire.size());
    REQUIRE_FALSE(piece.empty());
    wire += piece;
  }
  const std::size_t end = wire.find("\r\nbody\r\n");
  REQUIRE(end != std::string::npos);
  CHECK(end + 8 == wire.size());
  std::string found = wire.substr(0, end);
  for (std::size_t at = 0; (at = found.find('\r', at)) != std::string::npos;)
    found.erase(at, 1);
  return {found, made.address, made.problem};
}

TEST_CASE("a From with one address for all") {
  struct Row {
    const char* before;
    const char* after;
  };
  const Row row = GENERATE(values<Row>({
      {"From: Ann <ann@a.example>\nTo: x@y\n", "From: Ann <new@b.example>\nReply-To: Ann <ann@a.example>\nTo: x@y\n"},
      {"From: ann@a.example (Ann)\n", "From: new@b.example (Ann)\nReply-To: ann@a.example (Ann)\n"},
      {"From:ann@a.example\n", "From:new@b.example\nReply-To: ann@a.example\n"},
      {"From: =?utf-8?Q?=C3=84nn?=\n <ann@a.example>\n",
       "From: =?utf-8?Q?=C3=84nn?=\n <new@b.example>\nReply-To: =?utf-8?Q?=C3=84nn?=\n <ann@a.example>\n"},
      // Who names where answers go keeps it.
      {"Reply-To: r@c\nFrom: ann@a.example\n", "Reply-To: r@c\nFrom: new@b.example\n"},
      // Sender would repeat From.
      {"Sender: s@a.example\nFrom: ann@a.example\nReply-To: r@c\n", "From: new@b.example\nReply-To: r@c\n"},
      // Several mailboxes, a group, several fields: one is left.
      {"From: \"A, B\" <a@a.example>,\n b@a.example\nReply-To: r@c\n",
       "From: \"A, B\" <new@b.example>\nReply-To: r@c\n"},
      {"From: Team: a@a.example;\n", "From: new@b.example\nReply-To: Team: a@a.example;\n"},
      {"From: a@a.example\nX: y\nFrom: b@a.example\n", "From: new@b.example\nReply-To: a@a.example\nX: y\n"},
      {"From: a@a.example\nFrom: b@a.example\n", "From: new@b.example\nReply-To: a@a.example\n"},
      // None, or one that cannot be read.
      {"X: y\n", "X: y\nFrom: new@b.example\n"},
      {"From: \nX: y\n", "From: new@b.example\nX: y\n"},
      {"From: a@a.example <b@a.example>\nX: y\n", "From: new@b.example\nX: y\n"},
      {"From: undisclosed:;\nX: y\n", "From: new@b.example\nX: y\n"},
  }));
  CAPTURE(std::string(row.before));
  const Rewritten made = made_of(kConstant, row.before);
  CHECK(made.header == row.after);
  CHECK(made.address == "new@b.example");
  CHECK(made.problem.empty());
}

TEST_CASE("a From that has the address already stays") {
  const Rewritten made = made_of(kConstant, "Sender: x@y\nFrom: Ann <new@b.example>\n");
  CHECK(made.header == "From: Ann <new@b.example>\n");
  CHECK(made.address.empty());
}

TEST_CASE("a From with addresses by patterns") {
  struct Row {
    const char* before;
    const char* after;
    const char* address;
  };
  const Row row = GENERATE(values<Row>({
      {"From: Ann <ann@a.example>\n", "From: Ann <ann@b.example>\nReply-To: Ann <ann@a.example>\n", "ann@b.example"},
      {"From: x@c.example, Ann <@r:ann@A.example>, g: bob@a.example;\nReply-To: r@c\n",
       "From: x@c.example, Ann <ann@b.example>, g: bob@b.example;\nReply-To: r@c\n", "ann@b.example"},
      {"Sender: s@a.example\nFrom: x@c.example\n", "Sender: s@b.example\nFrom: x@c.example\n", ""},
      {"Sender: s@c.example\nFrom: x@c.example\n", "Sender: s@c.example\nFrom: x@c.example\n", ""},
      {"From: x@c.example\nFrom: y@a.example\n", "From: x@c.example\nFrom: y@b.example\nReply-To: y@a.example\n",
       "y@b.example"},
      {"X: y\n", "X: y\n", ""},
  }));
  CAPTURE(std::string(row.before));
  const Rewritten made = made_of(by_domain(), row.before);
  CHECK(made.header == row.after);
  CHECK(made.address == row.address);
  CHECK(made.problem.empty());
}

TEST_CASE("what cannot be read stays, and is told") {
  const std::string odd = "From: a@a.example <b@a.example>\n";
  CHECK(made_of(by_domain(), odd).header == odd);
  CHECK(made_of(by_domain(), odd).problem == "From has no comma before \"<\"");
  CHECK(made_of(by_domain(), "From: x@c.example\nSender: joe\n").problem ==
        "Sender has the address \"joe\", which has no domain");
  std::string longest = "From: a@a.example";
  for (int i = 0; i < 8000; ++i)
    longest += ",\n a@a.example";
  CHECK(made_of(by_domain(), longest + "\n").problem == "From is longer than 65536 octets");
  CHECK(made_of(kConstant, longest + "\n").header == "From: new@b.example\n");
  std::string many;
  for (int i = 0; i < 1001; ++i)
    many += "From: a@a.example\n";
  CHECK(made_of(kConstant, many).problem == "the header has more than 1000 fields of the same kinds");
  CHECK(made_of(kConstant, many).header == many);
}

TEST_CASE("no line becomes longer than a line may be") {
  const std::string name(977, 'n');
  const std::string from = "From: " + name + " <a@a.example>\n";
  REQUIRE(from.size() < 999);
  // The answers' field has a longer name, and begins on the next line.
  CHECK(made_of({"b@c.example", {}}, from).header ==
        "From: " + name + " <b@c.example>\nReply-To:\n " + name + " <a@a.example>\n");
  CHECK(made_of({"a-longer-one@b.example", {}}, from).header ==
        "From: a-longer-one@b.example\nReply-To:\n " + name + " <a@a.example>\n");
  const AddressRewriting longer{"@a-longer-domain.b.example", {}};
  CHECK(made_of(longer, from).header == from);
  CHECK(made_of(longer, from).problem == "From has no room for other addresses in its lines");
}

}  // namespace
}  // namespace relaypipe
