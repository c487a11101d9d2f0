#include "http/http_request.h"

#include <algorithm>
#include <array>

#include "base/base64.h"

namespace relaypipe {
namespace {

constexpr std::size_t kGroup = 3;                                // octets that become four digits of base64
constexpr std::size_t kPiece = std::size_t{16} * 1024 * kGroup;  // octets coded at a time

}  // namespace

RequestBody::RequestBody(const HttpRequest& request, MessageSource* content)
    : request_(request), content_(content), size_(request.before.size() + request.after.size()) {
  if (request.message) size_ += request.message->coded_size(content->facts().size);
}

std::string_view RequestBody::next() {
  while (at_.empty() && fill()) {
  }
  return at_;
}

void RequestBody::take(std::size_t count) {
  at_.remove_prefix(count);
  taken_ += count;
}

void RequestBody::rewind() {
  taken_ = 0;
  part_ = Part::Before;
  offset_ = 0;
  decoder_ = {};
  held_.clear();
  at_ = {};
}

/// Gets the next piece, which may be empty, or says that there is none.
bool RequestBody::fill() {
  switch (part_) {
    case Part::Before:
      at_ = request_.before;
      part_ = request_.message ? Part::Message : Part::After;
      return true;
    case Part::Message: return fill_from_message();
    case Part::After:
      at_ = request_.after;
      part_ = Part::End;
      return true;
    case Part::End: break;
  }
  return false;
}

bool RequestBody::fill_from_message() {
  const bool coded = request_.message->coding == BodyCoding::Base64;
  if (offset_ == content_->facts().wire) {
    buffer_ = base64(held_);
    held_.clear();
    at_ = buffer_;
    part_ = Part::After;
    return true;
  }
  std::string_view wire = content_->read(offset_);
  if (wire.empty()) return false;
  if (coded) wire = wire.substr(0, kPiece);
  const ContentDecoder::Part part = decoder_.feed(wire);
  offset_ += part.taken;
  if (coded)
    encode(part.content);
  else
    at_ = part.content;
  return true;
}

/// Codes what makes whole groups, and holds back the rest.
void RequestBody::encode(std::string_view content) {
  buffer_.clear();
  if (!held_.empty()) {
    const std::size_t missing = std::min(kGroup - held_.size(), content.size());
    held_ += content.substr(0, missing);
    content.remove_prefix(missing);
    if (held_.size() < kGroup) return;
    append_base64(held_, buffer_);
    held_.clear();
  }
  const std::size_t whole = content.size() / kGroup * kGroup;
  append_base64(content.substr(0, whole), buffer_);
  held_ = content.substr(whole);
  at_ = buffer_;
}

Secret request_head(const HttpRequest& request, std::string_view host, std::uint64_t body_size,
                    const std::vector<SecretField>& fields) {
  const std::string size = std::to_string(body_size);
  std::vector<std::array<std::string_view, 2>> lines{{"Host", host}, {"User-Agent", "relaypipe"}, {"Accept", "*/*"}};
  for (const HttpField& field : request.fields)
    lines.push_back({field.name, field.value});
  if (request.method != "GET") lines.push_back({"Content-Length", size});
  for (const SecretField& field : fields)
    lines.push_back({field.name, field.value.reveal()});
  std::size_t octets = request.method.size() + request.target.size() + 16;
  for (const auto& [name, value] : lines)
    octets += name.size() + value.size() + 4;
  // In one piece, so that no copy of a secret is left behind by growing.
  std::string head;
  head.reserve(octets);
  head.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  for (const auto& [name, value] : lines)
    head.append(name).append(": ").append(value).append("\r\n");
  head.append("\r\n");
  return Secret(head);
}

}  // namespace relaypipe
