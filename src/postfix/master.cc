#include "postfix/master.h"

#include <algorithm>
#include <array>

namespace relaypipe {
namespace {

constexpr std::size_t kColumns = 7;  // before the command
constexpr std::array<std::string_view, 7> kAttributes = {"flags",  "user", "null_sender", "size",
                                                         "chroot", "eol",  "directory"};

std::string pair_text(const PostfixPair& pair) {
  const std::string text = pair.name + "=" + pair.value;
  return text.find(' ') == text.npos ? text : "{" + text + "}";
}

/// `name=value` of an attribute of pipe(8).
std::optional<PostfixPair> attribute_of(std::string_view word) {
  const std::string plain = without_braces(word);
  const std::size_t end = plain.find('=');
  if (end == plain.npos) return std::nullopt;
  const std::string name = plain.substr(0, end);
  if (std::find(kAttributes.begin(), kAttributes.end(), name) == kAttributes.end()) return std::nullopt;
  return PostfixPair{name, plain.substr(end + 1)};
}

/// Whether a word sets the parameter: `name=value`, in braces or not. postconf(1) prints no blanks around the `=`.
bool sets(std::string_view word, std::string_view name) {
  const std::string plain = without_braces(word);
  return std::string_view(plain).substr(0, plain.find('=')) == name;
}

/// The command of a service that runs this daemon.
std::optional<PipeCommand> parse_command(const MasterService& service, std::string_view daemon) {
  if (service.command.empty() || service.command.front() != daemon) return std::nullopt;
  PipeCommand command;
  command.daemon = daemon;
  constexpr std::string_view kArgv = "argv=";
  for (std::size_t i = 1; i < service.command.size(); ++i) {
    const std::string& word = service.command[i];
    if (!command.argv.empty()) {
      command.argv.push_back(word);
    } else if (word.starts_with(kArgv)) {
      command.argv.push_back(word.substr(kArgv.size()));
    } else if (word == "-o" && i + 1 < service.command.size()) {
      command.options.insert(command.options.end(), {word, service.command[++i]});
    } else if (auto pair = attribute_of(word)) {
      command.attributes.push_back(*std::move(pair));
    } else {
      command.options.push_back(word);
    }
  }
  if (command.argv.empty()) return std::nullopt;
  return command;
}

}  // namespace

const std::string_view kSofteningFilter =
    "regexp:{ { /^5\\.3\\.0 (Command (died with status|time limit).*)$$/ 4.3.0 $$1 } }";

std::vector<MasterService> parse_master(std::string_view text) {
  std::vector<MasterService> services;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::vector<std::string> words = split_postfix_words(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (words.size() <= kColumns) continue;
    MasterService service{words[0], words[1], words[2], words[3], words[4], words[5], words[6], {}};
    service.command.assign(words.begin() + kColumns, words.end());
    services.push_back(std::move(service));
  }
  return services;
}

std::optional<std::string> PipeCommand::attribute(std::string_view name) const {
  std::optional<std::string> value;
  // The last one holds, as in pipe(8).
  for (const PostfixPair& pair : attributes) {
    if (pair.name == name) value = pair.value;
  }
  return value;
}

void PipeCommand::set_attribute(std::string_view name, std::string_view value) {
  bool found = false;
  for (PostfixPair& pair : attributes) {
    if (pair.name != name) continue;
    pair.value = value;
    found = true;
  }
  if (!found) attributes.push_back({std::string(name), std::string(value)});
}

void PipeCommand::drop_attribute(std::string_view name) {
  std::erase_if(attributes, [&](const PostfixPair& pair) { return pair.name == name; });
}

bool PipeCommand::has_option(std::string_view name) const {
  return std::any_of(options.begin(), options.end(), [&](const std::string& word) { return sets(word, name); });
}

void PipeCommand::set_option(std::string_view name, std::string_view value) {
  const std::string word = pair_text({std::string(name), std::string(value)});
  for (std::size_t i = 0; i + 1 < options.size(); ++i) {
    if (options[i] != "-o" || !sets(options[i + 1], name)) continue;
    options[i + 1] = word;
    return;
  }
  options.insert(options.end(), {"-o", word});
}

void PipeCommand::drop_option(std::string_view name) {
  auto word = options.begin();
  while (word != options.end() && word + 1 != options.end()) {
    word = *word == "-o" && sets(*(word + 1), name) ? options.erase(word, word + 2) : word + 1;
  }
}

std::string PipeCommand::text() const {
  std::string text = daemon;
  for (const std::string& word : options)
    text += " " + word;
  for (const PostfixPair& pair : attributes)
    text += " " + pair_text(pair);
  for (std::size_t i = 0; i < argv.size(); ++i)
    text += (i == 0 ? " argv=" : " ") + argv[i];
  return text;
}

std::optional<PipeCommand> parse_pipe_command(const MasterService& service) { return parse_command(service, "pipe"); }

std::optional<PipeCommand> parse_spawn_command(const MasterService& service) { return parse_command(service, "spawn"); }

bool runs_relaypipe(const PipeCommand& command) {
  const std::string& program = command.argv.front();
  return program.substr(program.rfind('/') + 1).starts_with("relaypipe");
}

bool runs_lmtp(const PipeCommand& command) {
  return runs_relaypipe(command) && command.argv.size() > 1 && command.argv[1] == "lmtp";
}

PipeCommand exemplary_command(const std::string& program) {
  PipeCommand command;
  command.set_option("pipe_delivery_status_filter", kSofteningFilter);
  command.attributes = {{"flags", "q"}, {"user", "relaypipe"}, {"null_sender", ""}};
  command.argv = {program,
                  "--queue-id",
                  "${queue_id}",
                  "--size",
                  "${size}",
                  "--nexthop",
                  "${nexthop}",
                  "--client-address",
                  "${client_address}",
                  "--client-name",
                  "${client_hostname}",
                  "--client-helo",
                  "${client_helo}",
                  "--client-port",
                  "${client_port}",
                  "--client-protocol",
                  "${client_protocol}",
                  "--sasl-username",
                  "${sasl_username}",
                  "-f",
                  "${sender}",
                  "--",
                  "${recipient}"};
  return command;
}

}  // namespace relaypipe
