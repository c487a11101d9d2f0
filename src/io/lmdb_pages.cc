#include "io/lmdb_pages.h"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

namespace relaypipe {
namespace {

// The form of the file, as LMDB's mdb.c tells it (MDB_page, MDB_node, MDB_meta, MDB_db), on a machine of 64 bits.
constexpr std::size_t kPageHeader = 16;
constexpr std::size_t kFlagsAt = 10;
constexpr std::size_t kLowerAt = 12;  // where the free room of a page begins and ends
constexpr std::size_t kUpperAt = 14;
constexpr std::size_t kPagesAt = 12;  // of a value's own pages, their number
constexpr unsigned kBranch = 0x01;
constexpr unsigned kLeaf = 0x02;
constexpr unsigned kOverflow = 0x04;
constexpr unsigned kKinds = 0x6F;
constexpr std::size_t kNodeHeader = 8;
constexpr unsigned kOwnPages = 0x01;
constexpr std::size_t kMetaOctets = 136;
constexpr std::size_t kFreeAt = 24;  // in a root page behind its header: the two trees
constexpr std::size_t kMainAt = 72;
constexpr std::size_t kLastPageAt = 120;
constexpr std::size_t kChangeAt = 128;
constexpr unsigned kSeveralValues = 0x74;  // flags of a tree with several values for a key
constexpr std::uint64_t kMostPages = 1U << 20U;
constexpr unsigned kDeepest = 31;

using Octets = std::vector<char>;

template <class Number>
Number number_at(const char* from) {
  Number number;
  std::memcpy(&number, from, sizeof number);
  return number;
}

/// A tree of the file: that of the free pages, or that of the records.
struct Tree {
  bool of_free_pages = false;
  unsigned depth = 0;
};

/// One entry of a page.
struct Node {
  std::size_t at = 0;
  std::size_t key_octets = 0;
  std::size_t value_octets = 0;  ///< of a leaf
  std::uint64_t page = 0;        ///< of a branch
  bool own_pages = false;

  [[nodiscard]] std::size_t value_at() const { return at + kNodeHeader + key_octets; }
};

class Check {
 public:
  explicit Check(int fd) : fd_(fd) {}

  bool whole() {
    std::array<char, kMetaOctets> newest{};
    if (!read_roots(newest)) return false;
    const char* const free = newest.data() + kFreeAt;
    const char* const main = newest.data() + kMainAt;
    if ((number_at<std::uint16_t>(free + 4) & kSeveralValues) != 0 || number_at<std::uint16_t>(main + 4) != 0) {
      return false;
    }
    return tree(main, false) && tree(free, true);
  }

 private:
  /// LMDB goes by the root with the higher count of changes.
  bool read_roots(std::array<char, kMetaOctets>& newest) {
    std::array<char, kMetaOctets> meta{};
    if (!read(kPageHeader, newest.data(), newest.size())) return false;
    page_octets_ = number_at<std::uint32_t>(newest.data() + kFreeAt);
    if (page_octets_ < 512 || page_octets_ > 65536 || (page_octets_ & (page_octets_ - 1)) != 0) return false;
    if (!read(page_octets_ + kPageHeader, meta.data(), meta.size())) return false;
    if (number_at<std::uint32_t>(meta.data() + kFreeAt) != page_octets_) return false;
    if (number_at<std::uint64_t>(meta.data() + kChangeAt) > number_at<std::uint64_t>(newest.data() + kChangeAt)) {
      newest = meta;
    }
    const auto last = number_at<std::uint64_t>(newest.data() + kLastPageAt);
    if (last < 1 || last > kMostPages) return false;
    used_.assign(last + 1, false);
    return true;
  }

  bool tree(const char* root, bool of_free_pages) {
    constexpr std::size_t kDepthAt = 6;
    constexpr std::size_t kRootAt = 40;
    const auto page = number_at<std::uint64_t>(root + kRootAt);
    const Tree tree{of_free_pages, number_at<std::uint16_t>(root + kDepthAt)};
    if (page == ~std::uint64_t{0}) return true;  // it is empty
    return tree.depth >= 1 && tree.depth <= kDeepest && page_of(tree, page, 1);
  }

  bool page_of(const Tree& tree, std::uint64_t number, unsigned level) {
    Octets page(page_octets_);
    if (!take(number) || !read(number * page_octets_, page.data(), page.size())) return false;
    const bool leaf = level == tree.depth;
    if (number_at<std::uint64_t>(page.data()) != number || kind(page) != (leaf ? kLeaf : kBranch)) return false;
    const std::size_t lower = number_at<std::uint16_t>(page.data() + kLowerAt);
    const std::size_t upper = number_at<std::uint16_t>(page.data() + kUpperAt);
    if (lower <= kPageHeader || lower % 2 != 0 || lower > upper || upper > page_octets_) return false;
    std::size_t filled = 0;
    for (std::size_t at = kPageHeader; at < lower; at += 2) {
      Node node;
      if (!node_at(page, number_at<std::uint16_t>(page.data() + at), leaf, node)) return false;
      const std::size_t inside = node.own_pages ? sizeof node.page : node.value_octets;
      const std::size_t end = node.value_at() + inside;
      if (node.at < upper || end > page_octets_) return false;
      filled += (end - node.at + 1) / 2 * 2;
      if (leaf ? !leaf_node(tree, page, node) : !page_of(tree, node.page, level + 1)) return false;
    }
    return filled <= page_octets_ - upper;
  }

  bool node_at(const Octets& page, std::size_t at, bool leaf, Node& node) const {
    if (at + kNodeHeader > page_octets_) return false;
    const char* const from = page.data() + at;
    const std::uint64_t low = number_at<std::uint32_t>(from);
    const unsigned flags = number_at<std::uint16_t>(from + 4);
    node.at = at;
    node.key_octets = number_at<std::uint16_t>(from + 6);
    if (!leaf) {
      node.page = low | std::uint64_t{flags} << 32U;
      return true;
    }
    node.value_octets = low;
    node.own_pages = flags == kOwnPages;
    return flags == 0 || node.own_pages;
  }

  bool leaf_node(const Tree& tree, const Octets& page, const Node& node) {
    if (!node.own_pages) {
      return !tree.of_free_pages || free_pages(node, page.data() + node.value_at(), node.value_octets);
    }
    Octets value;
    if (!own_pages(number_at<std::uint64_t>(page.data() + node.value_at()), node.value_octets, value)) return false;
    return !tree.of_free_pages || free_pages(node, value.data(), value.size());
  }

  /// A value too long for a leaf has a run of pages, with one header.
  bool own_pages(std::uint64_t first, std::size_t octets, Octets& value) {
    const std::size_t count = (kPageHeader - 1 + octets) / page_octets_ + 1;
    for (std::size_t i = 0; i < count; ++i) {
      if (!take(first + i)) return false;
    }
    Octets header(kPageHeader);
    value.resize(octets);
    return read(first * page_octets_, header.data(), header.size()) &&
           number_at<std::uint64_t>(header.data()) == first && kind(header) == kOverflow &&
           number_at<std::uint32_t>(header.data() + kPagesAt) == count &&
           read(first * page_octets_ + kPageHeader, value.data(), value.size());
  }

  /// Their number, then the numbers of the pages from the highest down. None is in use.
  bool free_pages(const Node& node, const char* list, std::size_t octets) {
    constexpr std::size_t kWord = sizeof(std::uint64_t);
    if (node.key_octets != kWord || octets < kWord) return false;
    const auto count = number_at<std::uint64_t>(list);
    if (count > octets / kWord - 1) return false;
    std::uint64_t before = ~std::uint64_t{0};
    for (std::uint64_t i = 1; i <= count; ++i) {
      const auto page = number_at<std::uint64_t>(list + i * kWord);
      if (page >= before || !take(page)) return false;
      before = page;
    }
    return true;
  }

  /// Every page has one use; the first two are the roots.
  bool take(std::uint64_t page) {
    if (page < 2 || page >= used_.size() || used_[page]) return false;
    used_[page] = true;
    return true;
  }

  static unsigned kind(const Octets& page) { return number_at<std::uint16_t>(page.data() + kFlagsAt) & kKinds; }

  bool read(std::uint64_t at, char* to, std::size_t octets) const {
    return pread(fd_, to, octets, static_cast<off_t>(at)) == static_cast<ssize_t>(octets);
  }

  int fd_;
  std::size_t page_octets_ = 0;
  std::vector<bool> used_;  // by number of the page
};

}  // namespace

bool lmdb_pages_are_sound(int fd) { return Check(fd).whole(); }

}  // namespace relaypipe
