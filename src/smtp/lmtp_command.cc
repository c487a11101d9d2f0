#include "smtp/lmtp_command.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "base/printable.h"
#include "base/text.h"
#include "smtp/dsn_parameters.h"

namespace relaypipe {
namespace {

constexpr EnhancedStatus kInvalidArguments{4, 5, 4};
constexpr EnhancedStatus kBadSender{5, 1, 7};
constexpr EnhancedStatus kBadRecipient{5, 1, 3};
constexpr std::string_view kBadSyntax = "not understood: expected a path in angle brackets";
constexpr std::string_view kBadParameter = "a parameter that was not announced, or is not valid";

constexpr std::array<std::pair<std::string_view, LmtpVerb>, 11> kVerbs = {{{"lhlo", LmtpVerb::Lhlo},
                                                                           {"mail", LmtpVerb::Mail},
                                                                           {"rcpt", LmtpVerb::Rcpt},
                                                                           {"data", LmtpVerb::Data},
                                                                           {"rset", LmtpVerb::Rset},
                                                                           {"noop", LmtpVerb::Noop},
                                                                           {"vrfy", LmtpVerb::Vrfy},
                                                                           {"quit", LmtpVerb::Quit},
                                                                           {"xforward", LmtpVerb::Xforward},
                                                                           {"helo", LmtpVerb::Hello},
                                                                           {"ehlo", LmtpVerb::Hello}}};

/// The arguments of MAIL or RCPT, taken apart.
struct PathArguments {
  std::string_view path;        ///< what stands between the angle brackets, without a source route
  std::string_view parameters;  ///< what follows
};

/// Where the path ends: at the first `>` outside a quoted string (RFC 5321 4.1.2).
std::size_t end_of_path(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '\\' && quoted) ++i;
    if (!quoted && text[i] == '>') return i;
  }
  return std::string_view::npos;
}

/// `keyword` is `from:` or `to:`.
std::optional<PathArguments> parse_path_arguments(std::string_view arguments, std::string_view keyword) {
  if (lower(arguments.substr(0, keyword.size())) != keyword) return std::nullopt;
  std::string_view rest = trimmed(arguments.substr(keyword.size()));
  if (!rest.starts_with('<')) return std::nullopt;
  rest.remove_prefix(1);
  const std::size_t end = end_of_path(rest);
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view path = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  if (!rest.empty() && rest.front() != ' ') return std::nullopt;
  // A source route is to be ignored (RFC 5321 appendix C).
  if (const std::size_t colon = path.find(':'); path.starts_with('@') && colon != std::string_view::npos) {
    path.remove_prefix(colon + 1);
  }
  return PathArguments{path, trimmed(rest)};
}

/// Calls `take(name, value)` with each parameter, the name in lower case; false where one was not taken.
template <class Take>
bool each_parameter(std::string_view parameters, Take take) {
  while (!parameters.empty()) {
    const std::string_view word = parameters.substr(0, parameters.find(' '));
    parameters = trimmed(parameters.substr(word.size()));
    const std::size_t equals = word.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1);
    if (!take(lower(word.substr(0, equals)), value)) return false;
  }
  return true;
}

bool store(std::optional<std::string> value, std::string& place) {
  if (!value) return false;
  place = *std::move(value);
  return true;
}

bool take_size(std::string_view value, std::optional<std::uint64_t>& size) {
  std::uint64_t octets = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), octets);
  if (error != std::errc() || end != value.data() + value.size()) return false;
  size = octets;
  return true;
}

bool take_mail_parameter(std::string_view name, std::string_view value, MailCommand& command) {
  if (name == "size") return take_size(value, command.size);
  // The content tells which of the two it is.
  if (name == "body") return lower(value) == "8bitmime" || lower(value) == "7bit";
  if (name == "smtputf8") {
    command.smtputf8 = true;
    return value.empty();
  }
  if (name == "ret") return store(parse_ret(value), command.dsn.ret);
  return name == "envid" && store(parse_envid(value), command.dsn.envid);
}

bool take_rcpt_parameter(std::string_view name, std::string_view value, RecipientDsn& dsn) {
  if (name == "notify") return store(parse_notify(value), dsn.notify);
  return name == "orcpt" && store(parse_orcpt(value), dsn.orcpt);
}

}  // namespace

LmtpCommand parse_lmtp_command(std::string_view line) {
  const std::string_view text = trimmed(line);
  const std::string_view word = text.substr(0, text.find(' '));
  const std::string verb = lower(word);
  const auto* const found =
      std::find_if(kVerbs.begin(), kVerbs.end(), [&](const auto& known) { return known.first == verb; });
  if (found == kVerbs.end()) return {};
  return {found->second, trimmed(text.substr(word.size()))};
}

Result<MailCommand, CommandError> parse_mail_command(std::string_view arguments) {
  const auto parts = parse_path_arguments(arguments, "from:");
  if (!parts) return fail(CommandError{kInvalidArguments, std::string(kBadSyntax)});
  MailCommand command;
  const bool taken = each_parameter(parts->parameters, [&](std::string_view name, std::string_view value) {
    return take_mail_parameter(name, value, command);
  });
  if (!taken) return fail(CommandError{kInvalidArguments, std::string(kBadParameter)});
  if (parts->path.empty()) return command;
  auto sender = parse_address(parts->path);
  if (!sender) return fail(CommandError{kBadSender, "bad sender address: " + sender.error()});
  command.sender = *std::move(sender);
  return command;
}

Result<RcptCommand, CommandError> parse_rcpt_command(std::string_view arguments) {
  const auto parts = parse_path_arguments(arguments, "to:");
  if (!parts) return fail(CommandError{kInvalidArguments, std::string(kBadSyntax)});
  RcptCommand command;
  const bool taken = each_parameter(parts->parameters, [&](std::string_view name, std::string_view value) {
    return take_rcpt_parameter(name, value, command.dsn);
  });
  if (!taken) return fail(CommandError{kInvalidArguments, std::string(kBadParameter)});
  auto recipient = parse_address(parts->path);
  if (!recipient) return fail(CommandError{kBadRecipient, "bad recipient address: " + recipient.error()});
  command.recipient = *std::move(recipient);
  return command;
}

}  // namespace relaypipe
