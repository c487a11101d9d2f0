#include "deliver/from_rewriting.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "message/header_fields.h"
#include "message/mailbox_list.h"

namespace relaypipe {
namespace {

constexpr std::size_t kLongestBody = std::size_t{64} << 10U;
constexpr std::size_t kLongestLine = 998;  // RFC 5322 2.1.1

/// A field that names senders, as far as it can be read.
struct AddressField {
  HeaderField place;
  std::string body;
  std::vector<Mailbox> mailboxes;  ///< none where it cannot be read
  std::string problem;             ///< why it cannot
};

AddressField read_field(MessageSource& message, const HeaderField& place) {
  AddressField field{place, {}, {}, {}};
  auto body = field_body(message, place, kLongestBody);
  if (!body) {
    field.problem = body.error();
    return field;
  }
  field.body = *std::move(body);
  auto list = parse_mailbox_list(field.body);
  if (list)
    field.mailboxes = *std::move(list);
  else
    field.problem = list.error();
  return field;
}

/// Whether a line of a field is longer than a line may be; `before`: octets in front of its first one.
bool is_too_long(std::string_view body, std::size_t before) {
  for (std::size_t used = before;; used = 0) {
    const std::size_t end = body.find("\r\n");
    if (used + std::min(end, body.size()) > kLongestLine) return true;
    if (end == body.npos) return false;
    body.remove_prefix(end + 2);
  }
}

/// A whole field. A body whose line has no room behind the name begins on the next one.
std::string field_text(std::string_view name, std::string_view body) {
  const bool blank = body.starts_with(' ') || body.starts_with('\t') || body.starts_with("\r\n");
  const std::string text = fmt::format("{}{}", blank ? "" : " ", body);
  const bool folded = is_too_long(text, name.size() + 1);
  return fmt::format("{}:{}{}\r\n", name, folded ? "\r\n" : "", text);
}

class Rewriter {
 public:
  Rewriter(MessageSource& message, const AddressRewriting& rewriting, std::string_view delimiters)
      : message_(message), rewriting_(rewriting), delimiters_(delimiters) {}

  FromRewriting run() {
    const auto header = read_header(message_, {"from", "sender", "reply-to"});
    if (!header) {
      result_.problem = "the header " + header.error();
      return std::move(result_);
    }
    for (const HeaderField& place : header->fields) {
      if (place.name == "from") from_.push_back(read_field(message_, place));
      if (place.name == "sender") sender_.push_back(read_field(message_, place));
      answers_named_ = answers_named_ || place.name == "reply-to";
    }
    if (rewriting_.is_constant())
      make_constant(*header);
    else
      map_all();
    return std::move(result_);
  }

 private:
  void make_constant(const Header& header) {
    const Address target = *parse_address(rewriting_.all);
    for (const AddressField& field : sender_)
      remove(field);
    if (from_.empty()) {
      result_.address = target.text();
      std::string text = field_text("From", target.text()).append(header.closing);
      result_.edits.push_back({header.end, header.end, std::move(text)});
      return;
    }
    const AddressField& first = from_.front();
    for (std::size_t i = 1; i < from_.size(); ++i)
      remove(from_[i]);
    if (first.mailboxes.size() == 1 && first.mailboxes[0].address == target) return;
    result_.address = target.text();
    keep_answers(first);
    const bool one = first.mailboxes.size() == 1 && !first.mailboxes[0].in_group;
    if (one && replace_addresses(first, {{0, target}})) return;
    result_.edits.push_back({first.place.begin, first.place.end, new_from(first, target)});
  }

  /// From with one mailbox that has the display name of the first one there was.
  static std::string new_from(const AddressField& was, const Address& target) {
    if (was.mailboxes.empty()) return field_text("From", target.text());
    const Mailbox& first = was.mailboxes[0];
    const std::string name = was.body.substr(first.begin, first.name_end - first.begin);
    const std::string body = name.empty() ? target.text() : name + " " + target.path();
    return field_text("From", is_too_long(body, 6) ? target.text() : body);
  }

  void map_all() {
    for (const AddressField& field : from_) {
      const bool changed = map(field, "From");
      if (changed && result_.address.empty()) {
        result_.address = first_mapped_;
        keep_answers(field);
      }
    }
    for (const AddressField& field : sender_)
      map(field, "Sender");
  }

  bool map(const AddressField& field, std::string_view name) {
    if (!field.problem.empty()) result_.problem = fmt::format("{} {}", name, field.problem);
    std::vector<std::pair<std::size_t, Address>> changes;
    for (std::size_t i = 0; i < field.mailboxes.size(); ++i) {
      if (const auto changed = rewritten(rewriting_, field.mailboxes[i].address, delimiters_))
        changes.emplace_back(i, *changed);
    }
    if (changes.empty()) return false;
    first_mapped_ = changes.front().second.text();
    if (replace_addresses(field, changes)) return true;
    result_.problem = fmt::format("{} has no room for other addresses in its lines", name);
    return false;
  }

  /// Other addresses in the places of those that are there. False, and nothing changed, where a line became too long.
  bool replace_addresses(const AddressField& field, const std::vector<std::pair<std::size_t, Address>>& changes) {
    std::string body = field.body;
    std::vector<Edit> edits;
    for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
      const Mailbox& mailbox = field.mailboxes[change->first];
      const std::string& text = change->second.text();
      body.replace(mailbox.address_begin, mailbox.address_end - mailbox.address_begin, text);
      edits.push_back({field.place.body + mailbox.address_begin, field.place.body + mailbox.address_end, text});
    }
    if (is_too_long(body, field.place.body - field.place.begin)) return false;
    result_.edits.insert(result_.edits.end(), edits.begin(), edits.end());
    return true;
  }

  void remove(const AddressField& field) { result_.edits.push_back({field.place.begin, field.place.end, ""}); }

  void keep_answers(const AddressField& from) {
    if (answers_named_ || from.mailboxes.empty()) return;
    result_.edits.push_back({from.place.end, from.place.end, field_text("Reply-To", from.body)});
  }

  MessageSource& message_;
  const AddressRewriting& rewriting_;
  std::string_view delimiters_;
  std::vector<AddressField> from_;
  std::vector<AddressField> sender_;
  bool answers_named_ = false;  ///< there is a Reply-To
  std::string first_mapped_;
  FromRewriting result_;
};

}  // namespace

FromRewriting rewrite_from(MessageSource& message, const AddressRewriting& rewriting, std::string_view delimiters) {
  return Rewriter(message, rewriting, delimiters).run();
}

}  // namespace relaypipe
