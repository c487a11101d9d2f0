#include "message/mailbox_list.h"

#include <algorithm>
#include <utility>

#include "base/printable.h"

namespace relaypipe {
namespace {

constexpr std::string_view kSpecials = "()<>[]:;@\\,.\"";  // RFC 5322 3.2.3
constexpr std::string_view kBlanks = " \t\r\n";

enum class Kind { Atom, Quoted, Literal, Special, End };

struct Token {
  Kind kind = Kind::End;
  char special = 0;
  std::size_t begin = 0;
  std::size_t end = 0;

  [[nodiscard]] bool is(char c) const { return kind == Kind::Special && special == c; }
  [[nodiscard]] bool is_word() const { return kind == Kind::Atom || kind == Kind::Quoted; }
};

/// The tokens of a structured field body (RFC 5322 3.2). Whitespace and comments are skipped.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { advance(); }

  [[nodiscard]] const Token& now() const { return now_; }
  void advance() {
    if (!skip_blanks()) return give_up("has a comment that does not end");
    now_ = {Kind::End, 0, at_, at_};
    if (at_ == text_.size()) return;
    const char c = text_[at_];
    if (c == '"') return enclosed(Kind::Quoted, '"', "has quotes that do not end");
    if (c == '[') return enclosed(Kind::Literal, ']', "has an address literal that does not end");
    if (kSpecials.find(c) != kSpecials.npos) {
      now_ = {Kind::Special, c, at_, at_ + 1};
    } else {
      const std::size_t end = std::min(text_.find_first_of(" \t\r\n()<>[]:;@\\,.\"", at_), text_.size());
      now_ = {Kind::Atom, 0, at_, end};
    }
    at_ = now_.end;
  }
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] std::string_view text(const Token& token) const {
    return text_.substr(token.begin, token.end - token.begin);
  }

 private:
  void give_up(std::string_view problem) {
    problem_ = problem;
    at_ = text_.size();
    now_ = {Kind::End, 0, at_, at_};
  }

  /// Blanks, line ends and comments, which nest. False where a comment does not end.
  bool skip_blanks() {
    std::size_t depth = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '(') {
        ++depth;
      } else if (depth == 0) {
        if (kBlanks.find(c) == kBlanks.npos) return true;
      } else if (c == ')') {
        --depth;
      } else if (c == '\\' && ++at_ == text_.size()) {
        return false;
      }
    }
    return depth == 0;
  }

  void enclosed(Kind kind, char last, std::string_view problem) {
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\') {
        ++i;
      } else if (text_[i] == last) {
        now_ = {kind, 0, at_, i + 1};
        at_ = i + 1;
        return;
      }
    }
    give_up(problem);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Token now_;
  std::string problem_;
};

bool is_dot_string(std::string_view local) {
  return !local.empty() && local.front() != '.' && local.back() != '.' && local.find("..") == local.npos &&
         local.find_first_of(" \t()<>[]:;@\\,\"") == local.npos;
}

std::string quote_where_needed(std::string_view local) {
  if (is_dot_string(local)) return std::string(local);
  std::string text = "\"";
  for (const char c : local) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text += '"';
}

class Parser {
 public:
  explicit Parser(std::string_view body) : body_(body), lexer_(body) {}

  Result<std::vector<Mailbox>, std::string> parse() {
    const bool control = std::any_of(body_.begin(), body_.end(), [](char c) {
      return (static_cast<unsigned char>(c) < ' ' && kBlanks.find(c) == kBlanks.npos) || c == '\x7F';
    });
    if (control) return fail(std::string("has a control character"));
    while (problem_.empty() && lexer_.now().kind != Kind::End)
      element();
    if (!lexer_.problem().empty()) problem_ = lexer_.problem();
    if (problem_.empty() && in_group_) problem_ = "has a group that does not end";
    if (!problem_.empty()) return fail(std::move(problem_));
    return std::move(mailboxes_);
  }

 private:
  void element() {
    const Token first = lexer_.now();
    if (first.is(',')) return lexer_.advance();
    if (first.is(';')) return end_group();
    const std::vector<Token> words = take_words();
    const Token next = lexer_.now();
    if (next.is(':')) return begin_group(words);
    Mailbox mailbox;
    mailbox.begin = first.begin;
    mailbox.name_end = first.begin;
    mailbox.in_group = in_group_;
    if (next.is('<')) {
      if (!words.empty()) mailbox.name_end = words.back().end;
      if (!take_bracketed(mailbox)) return;
    } else {
      if (words.empty()) return problem("has \"" + clipped(lexer_.text(next)) + "\" in a wrong place");
      if (!take_address(words, mailbox)) return;
      mailbox.end = mailbox.address_end;
    }
    mailboxes_.push_back(std::move(mailbox));
    separator();
  }

  /// What must follow an element.
  void separator() {
    const Token& next = lexer_.now();
    if (next.kind == Kind::End || next.is(',') || (next.is(';') && in_group_)) return;
    problem("has no comma before \"" + clipped(lexer_.text(next)) + "\"");
  }

  void begin_group(const std::vector<Token>& words) {
    if (in_group_ || words.empty()) return problem("has \":\" in a wrong place");
    in_group_ = true;
    lexer_.advance();
  }

  void end_group() {
    if (!in_group_) return problem("has \";\" in a wrong place");
    in_group_ = false;
    lexer_.advance();
    separator();
  }

  /// Words and dots: a display name, or a local part.
  std::vector<Token> take_words() {
    std::vector<Token> words;
    for (; lexer_.now().is_word() || lexer_.now().is('.'); lexer_.advance())
      words.push_back(lexer_.now());
    return words;
  }

  bool take_bracketed(Mailbox& mailbox) {
    lexer_.advance();
    const std::size_t begin = lexer_.now().begin;
    if (!skip_route()) return false;
    if (!take_address(take_words(), mailbox)) return false;
    mailbox.address_begin = begin;
    if (!lexer_.now().is('>')) return wrong("has an angle bracket that does not end after its address");
    mailbox.end = lexer_.now().end;
    lexer_.advance();
    return true;
  }

  /// `@a,@b:`, which is ignored (RFC 5322 4.4).
  bool skip_route() {
    if (!lexer_.now().is('@') && !lexer_.now().is(',')) return true;
    while (lexer_.now().is('@') || lexer_.now().is(',')) {
      const bool at = lexer_.now().is('@');
      lexer_.advance();
      if (at && take_domain().empty()) return wrong("has a source route without a domain");
    }
    if (!lexer_.now().is(':')) return wrong("has a source route that does not end");
    lexer_.advance();
    return true;
  }

  /// The rest of an address whose local part is `words`.
  bool take_address(const std::vector<Token>& words, Mailbox& mailbox) {
    if (words.empty()) return wrong("has an empty address");
    std::string text = local_part(words);
    mailbox.address_begin = words.front().begin;
    mailbox.address_end = words.back().end;
    if (text.empty()) return false;
    if (lexer_.now().is('@')) {
      lexer_.advance();
      const std::string domain = take_domain();
      if (domain.empty()) return wrong("has an address without a domain");
      mailbox.address_end = domain_end_;
      text += '@' + domain;
    }
    auto address = parse_address(text);
    if (!address) return wrong("has the address \"" + clipped(text) + "\", which " + address.error());
    mailbox.address = *std::move(address);
    return true;
  }

  /// Words with dots between them, in the form that may stand on the wire; empty where a dot is missing.
  std::string local_part(const std::vector<Token>& words) {
    std::string local;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (i > 0 && words[i].is_word() && words[i - 1].is_word()) {
        wrong("has no comma before \"" + clipped(lexer_.text(words[i])) + "\"");
        return {};
      }
      const std::string_view text = lexer_.text(words[i]);
      if (words[i].kind != Kind::Quoted) {
        local += text;
        continue;
      }
      for (std::size_t k = 1; k + 1 < text.size(); ++k) {
        if (text[k] == '\\') ++k;
        if (text[k] != '\r' && text[k] != '\n') local += text[k];
      }
    }
    return quote_where_needed(local);
  }

  /// A dotted name or an address literal; empty where there is none.
  std::string take_domain() {
    std::string domain;
    if (lexer_.now().kind == Kind::Literal) {
      domain = lexer_.text(lexer_.now());
      domain_end_ = lexer_.now().end;
      lexer_.advance();
      return domain;
    }
    while (lexer_.now().kind == Kind::Atom) {
      domain += lexer_.text(lexer_.now());
      domain_end_ = lexer_.now().end;
      lexer_.advance();
      if (!lexer_.now().is('.')) break;
      domain += '.';
      domain_end_ = lexer_.now().end;
      lexer_.advance();
    }
    return domain;
  }

  static std::string clipped(std::string_view text) { return printable(clip(text, 100)); }

  void problem(std::string text) {
    if (problem_.empty()) problem_ = std::move(text);
  }
  bool wrong(std::string text) {
    problem(std::move(text));
    return false;
  }

  std::string_view body_;
  Lexer lexer_;
  std::vector<Mailbox> mailboxes_;
  std::string problem_;
  std::size_t domain_end_ = 0;
  bool in_group_ = false;
};

}  // namespace

Result<std::vector<Mailbox>, std::string> parse_mailbox_list(std::string_view body) { return Parser(body).parse(); }

}  // namespace relaypipe
