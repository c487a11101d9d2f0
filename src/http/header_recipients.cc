#include "http/header_recipients.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "base/printable.h"
#include "message/header_fields.h"
#include "message/mailbox_list.h"

namespace relaypipe {
namespace {

bool is_bcc(const HeaderField& field) { return field.name == "bcc" || field.name == "resent-bcc"; }

bool is_resent(const HeaderField& field) { return field.name.starts_with("resent-"); }

bool is_same(const Address& one, const Address& other) { return lower(one.text()) == lower(other.text()); }

bool is_among(const Address& address, std::span<const Address> others) {
  return std::any_of(others.begin(), others.end(), [&](const Address& other) { return is_same(address, other); });
}

/// Adds whom a field names, or says why that is not known.
void add_recipients(MessageSource& message, const HeaderField& field, HeaderRecipients& found) {
  const auto body = field_body(message, field);
  const auto mailboxes =
      body ? parse_mailbox_list(*body) : Result<std::vector<Mailbox>, std::string>(fail(body.error()));
  if (!mailboxes) {
    if (found.problem.empty()) found.problem = fmt::format("its {} field {}", field.name, printable(mailboxes.error()));
    return;
  }
  std::vector<Address>& named = is_resent(field) ? found.resent : found.addresses;
  for (const Mailbox& mailbox : *mailboxes)
    named.push_back(mailbox.address);
}

}  // namespace

HeaderRecipients read_header_recipients(MessageSource& message) {
  HeaderRecipients found;
  const auto header = read_header(message, {"to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc"});
  if (!header) {
    found.problem = "its header " + header.error();
    return found;
  }
  found.end = header->end;
  found.closing = header->closing;
  for (const HeaderField& field : header->fields) {
    if (is_bcc(field))
      found.bcc.emplace_back(field.begin, field.end);
    else
      add_recipients(message, field, found);
  }
  return found;
}

const Address* find_other_recipient(const HeaderRecipients& header, const Envelope& envelope) {
  for (const std::vector<Address>* const named : {&header.addresses, &header.resent}) {
    const auto other =
        std::find_if(named->begin(), named->end(), [&](const Address& a) { return !is_among(a, envelope.recipients); });
    if (other != named->end()) return &*other;
  }
  return nullptr;
}

std::string bcc_field(const HeaderRecipients& header, const Envelope& envelope) {
  std::string field;
  for (const Address& recipient : envelope.recipients) {
    if (is_among(recipient, header.addresses)) continue;
    field += field.empty() ? "Bcc: " : ",\r\n ";
    field += recipient.text();
  }
  return field.empty() ? field : field + "\r\n";
}

std::vector<Edit> header_edits(const HeaderRecipients& header, const std::string& bcc) {
  std::vector<Edit> edits;
  for (const auto& [begin, end] : header.bcc)
    edits.push_back({begin, end, {}});
  if (!bcc.empty()) edits.push_back({header.end, header.end, bcc + std::string(header.closing)});
  return edits;
}

}  // namespace relaypipe
