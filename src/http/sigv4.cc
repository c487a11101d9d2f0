#include "http/sigv4.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "base/hex.h"
#include "base/hmac.h"
#include "base/secret.h"

namespace relaypipe {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t kDateDigits = 8;

/// The parameters of a query in the order of their names.
std::string sorted_query(std::string_view query) {
  std::vector<std::string> parameters;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    parameters.emplace_back(one);
    if (one.find('=') == one.npos) parameters.back() += '=';
    query.remove_prefix(std::min(one.size() + 1, query.size()));
  }
  std::sort(parameters.begin(), parameters.end());
  return fmt::format("{}", fmt::join(parameters, "&"));
}

std::string names_of(const std::vector<HttpField>& fields) {
  std::string names;
  for (const HttpField& field : fields)
    names += (names.empty() ? "" : ";") + field.name;
  return names;
}

std::string canonical_request(const SigV4Request& request, const std::vector<HttpField>& sorted) {
  const std::size_t mark = std::min(request.target.find('?'), request.target.size());
  std::string text = fmt::format("{}\n{}\n{}\n", request.method, request.target.substr(0, mark),
                                 sorted_query(request.target.substr(std::min(mark + 1, request.target.size()))));
  for (const HttpField& field : sorted)
    text += fmt::format("{}:{}\n", field.name, field.value);
  return text + fmt::format("\n{}\n{}", names_of(sorted), request.body_sha256);
}

/// The key of a day, a region and a service, which tells nothing of the secret that it is made of.
Sha256Digest signing_key(std::string_view secret_key, std::string_view date, const SigV4Scope& scope,
                         const MakeSha256& make) {
  std::string first;
  first.reserve(secret_key.size() + 4);
  first.append("AWS4").append(secret_key);
  const Secret secret(first);
  Sha256Digest key = hmac_sha256(make, secret.reveal(), date);
  for (const std::string_view part : {scope.region, scope.service, std::string_view("aws4_request")})
    key = hmac_sha256(make, octets_of(key), part);
  return key;
}

}  // namespace

std::string sigv4_time(WallTime now) {
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(now - day));
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

std::string sigv4_authorization(const SigV4Request& request, const SigV4Scope& scope, std::string_view access_key,
                                std::string_view secret_key, const MakeSha256& make) {
  std::vector<HttpField> sorted = request.fields;
  std::sort(sorted.begin(), sorted.end(), [](const HttpField& a, const HttpField& b) { return a.name < b.name; });
  const std::string time = sigv4_time(scope.now);
  const std::string_view date = std::string_view(time).substr(0, kDateDigits);
  const std::string within = fmt::format("{}/{}/{}/aws4_request", date, scope.region, scope.service);
  const std::string text = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, within,
                                       hex_text(sha256(make, canonical_request(request, sorted))));
  const Sha256Digest signature = hmac_sha256(make, octets_of(signing_key(secret_key, date, scope, make)), text);
  return fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm, access_key, within,
                     names_of(sorted), hex_text(signature));
}

}  // namespace relaypipe
