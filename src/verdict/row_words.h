#pragma once

// The words in which the two tables of replies are written.

#include <chrono>
#include <string_view>

#include "verdict/reply_rules.h"

namespace relaypipe::rows {

using namespace std::chrono_literals;

inline constexpr Holds kThere = Holds::There;
inline constexpr Holds kAnywhere = Holds::Anywhere;

inline constexpr std::string_view kTransaction = "mail rcpt data content end_of_data";
inline constexpr std::string_view kAfterMail = "rcpt data content end_of_data";
inline constexpr std::string_view kWithContent = "data content end_of_data";

inline constexpr Meaning kNetwork{Scope::Relay, Cause::Network};
inline constexpr Meaning kTls{Scope::Relay, Cause::Tls};
inline constexpr Meaning kAuth{Scope::Relay, Cause::Auth};
inline constexpr Meaning kQuota{Scope::Relay, Cause::Quota};
inline constexpr Meaning kRate{Scope::Relay, Cause::Rate};
inline constexpr Meaning kAccount{Scope::Relay, Cause::Account};
inline constexpr Meaning kPolicy{Scope::Relay, Cause::Policy};
inline constexpr Meaning kSender{Scope::RelaySender, Cause::SenderNotAllowed};
inline constexpr Meaning kSenderRefused{Scope::RelaySender, Cause::Unknown};  // refused here; final when all refuse it
inline constexpr Meaning kRelaying{Scope::RelayRecipientDomain, Cause::RelayingDenied};
inline constexpr Meaning kRoute{Scope::RelayRecipientDomain, Cause::Network};
inline constexpr Meaning kRelay{Scope::Relay, Cause::Unknown};
inline constexpr Meaning kUnknown{Scope::Unknown, Cause::Unknown};
inline constexpr Meaning kSize{Scope::Message, Cause::Size};
inline constexpr Meaning kContent{Scope::Message, Cause::Content};
inline constexpr Meaning kMessage{Scope::Message, Cause::Unknown};
inline constexpr Meaning kTooMany{Scope::Message,
                                  Cause::Rate};  // this transaction is too large, whatever the account may
inline constexpr Meaning kMailbox{Scope::Recipient, Cause::Mailbox};
inline constexpr Meaning kRecipientSize{Scope::Recipient, Cause::Size};
inline constexpr Meaning kRecipient{Scope::Recipient, Cause::Unknown};

inline constexpr Until kDefault{};
inline constexpr Until kMinutes{Until::Kind::After, 5min};
// A window that slides frees a little at any time: one message per hour finds out.
inline constexpr Until kSliding{Until::Kind::After, 1h};
inline constexpr Until kHours{Until::Kind::After, 3h};
inline constexpr Until kMinute{Until::Kind::After, 1min};
inline constexpr Until kNextHour{Until::Kind::NextHour, {}};
inline constexpr Until kUtcDay{Until::Kind::UtcMidnight, {}};
inline constexpr Until kCredentials{Until::Kind::Credentials, {}};

}  // namespace relaypipe::rows
