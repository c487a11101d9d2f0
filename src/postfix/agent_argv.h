#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "postfix/finding.h"

namespace relaypipe {

/// The argv of a pipe(8) service that runs us, in its parts. What the macros of pipe(8) stand for is not known here.
struct AgentArgv {
  struct Option {
    std::string name;     ///< `--size`, `-f`, `-v`
    std::string value;    ///< of those that have one
    bool joined = false;  ///< `--size=VALUE`, `-fVALUE`: one word
    bool alone = false;   ///< has no value
  };
  std::string program;
  std::vector<Option> options;
  bool separator = false;  ///< `--` stands before the recipients
  std::vector<std::string> operands;

  [[nodiscard]] const Option* find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> words() const;
};

AgentArgv parse_agent_argv(const std::vector<std::string>& argv);

/// What is wrong with it, without place and fix.
std::vector<PostfixFinding> judge_agent_argv(const AgentArgv& argv);

/// The same argv with nothing wrong in it: what is there and right stays, in its order.
AgentArgv fixed_agent_argv(AgentArgv argv);

}  // namespace relaypipe
