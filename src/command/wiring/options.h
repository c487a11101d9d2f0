#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace relaypipe {

/// What every command knows: where the configuration is, and what stands above it.
struct CommonArguments {
  std::optional<std::string> config;
  std::vector<std::string> settings;  ///< `name=value`, in their order
};

/// Why there are no arguments: what is wrong, or the help text where that was asked for.
struct NoArguments {
  std::string text;
  bool asked = false;
};

/// The command line of one command: each option and each word without one is declared with the variable that receives
/// it, which outlives this object. A `name` is written `-f` or `--from`; `help` is its line in `--help`, `form` what
/// stands there for its value.
class Options {
 public:
  /// `command`: as it is typed, `relaypipe plan`; `about`: the sentences that begin its `--help`.
  Options(std::string command, const std::string& about);
  ~Options();
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  /// No `--help` of its own: its exit status 0 would tell Postfix that a message is delivered.
  void without_help();

  /// An option with one value; given several times, the last one holds.
  void value(const char* name, std::optional<std::string>& target, const char* help, const char* form);
  void value(const char* name, std::string& target, const char* help, const char* form);
  /// An option with one value that may be given several times.
  void values(const char* name, std::vector<std::string>& target, const char* help, const char* form);
  /// An option without a value.
  void flag(const char* name, bool& target, const char* help);
  /// An option without a value or meaning.
  void ignored_flag(const char* name, const char* help);

  /// One word without an option, which may be left out; nothing then.
  void word(const char* name, std::optional<std::string>& target, const char* help);
  /// One word without an option, which has to be there.
  void needed_word(const char* name, std::string& target, const char* help);
  /// All words without an option.
  void words(const char* name, std::vector<std::string>& target, const char* help);

  /// `--config FILE`, `-o NAME=VALUE`, and `--deadline SPAN`, which is short for one of these.
  void common(CommonArguments& arguments);

  /// The text of `--help`.
  [[nodiscard]] std::string help() const;

  /// Reads the words after the command's name into the variables; nothing where all went well. The value of an option
  /// is the next word, whatever it looks like: an address may begin with `-` and a client address may be empty.
  std::optional<NoArguments> parse(const std::vector<std::string>& words);

 private:
  std::string command_;
  std::unique_ptr<CLI::App> app_;
};

}  // namespace relaypipe
