// The address lists of a header, as strangers write them. An address that is found must stand where it is said to be,
// and another one in its place must be read as just that.
#include <string>
#include <vector>

#include "fuzz.h"
#include "message/mailbox_list.h"

namespace {

using namespace relaypipe;

void check_places(const std::vector<Mailbox>& list, std::string_view text) {
  std::size_t from = 0;
  for (const Mailbox& mailbox : list) {
    must(from <= mailbox.begin && mailbox.begin <= mailbox.address_begin, "mailboxes are in order", text);
    must(mailbox.address_begin < mailbox.address_end && mailbox.address_end <= mailbox.end, "an address is inside",
         text);
    must(mailbox.end <= text.size(), "a mailbox is inside the text", text);
    must(!mailbox.address.is_null(), "a mailbox has an address", text);
    const auto again = parse_address(mailbox.address.text());
    must(again && *again == mailbox.address, "an address reads itself back", text);
    from = mailbox.end;
  }
}

/// The list with another address in the place of one.
void check_replaced(const std::vector<Mailbox>& list, std::size_t which, std::string text) {
  const Mailbox& mailbox = list[which];
  text.replace(mailbox.address_begin, mailbox.address_end - mailbox.address_begin, "new@new.example");
  const auto changed = parse_mailbox_list(text);
  must(changed && changed->size() == list.size(), "another address makes the same list", text);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string& expected = i == which ? "new@new.example" : list[i].address.text();
    must((*changed)[i].address.text() == expected, "another address changes only one mailbox", text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto list = parse_mailbox_list(text);
  if (!list) {
    must_be_line(list.error());
    return 0;
  }
  check_places(*list, text);
  for (std::size_t i = 0; i < std::min<std::size_t>(list->size(), 8); ++i)
    check_replaced(*list, i, text);
  return 0;
}
