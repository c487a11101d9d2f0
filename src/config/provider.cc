#include "config/provider.h"

#include <algorithm>
#include <array>

namespace relaypipe {
namespace {

using Hosts = std::string_view;

constexpr std::array<Hosts, 1> kMicrosoft{"smtp.office365.com"};
constexpr std::array<Hosts, 1> kGmail{"smtp.gmail.com"};

constexpr Provider kProviders[] = {
    {"gmail", "Gmail", kGmail, "", "", "", "https://oauth2.googleapis.com/token",
     "https://oauth2.googleapis.com/device/code", "https://mail.google.com/", ""},
    {"m365", "Microsoft 365", kMicrosoft, "30/m", "10000 recipients/24h", "3",
     "https://login.microsoftonline.com/common/oauth2/v2.0/token",
     "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode",
     "https://outlook.office.com/SMTP.Send offline_access", ""},
};

bool names(std::string_view pattern, std::string_view host) {
  return pattern.starts_with('.') ? host.ends_with(pattern) : host == pattern;
}

}  // namespace

std::span<const Provider> providers() { return kProviders; }

const Provider* find_provider(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kProviders), std::end(kProviders), [&](const Provider& p) { return p.name == name; });
  return found == std::end(kProviders) ? nullptr : found;
}

const Provider* recognise_provider(std::string_view host) {
  for (const Provider& provider : kProviders) {
    if (std::any_of(provider.hosts.begin(), provider.hosts.end(), [&](Hosts h) { return names(h, host); })) {
      return &provider;
    }
  }
  return nullptr;
}

}  // namespace relaypipe
