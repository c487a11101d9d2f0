#include "io/curl_library.h"

#include <curl/curl.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace relaypipe {
namespace {

void wiping_free(void* block) {
  if (block == nullptr) return;
  explicit_bzero(block, malloc_usable_size(block));
  std::free(block);
}

/// Never in place: what realloc(3) moves it leaves behind as it was.
void* wiping_realloc(void* block, size_t size) {
  void* const moved = std::malloc(size);
  if (moved == nullptr || block == nullptr) return moved;
  std::memcpy(moved, block, std::min(size, malloc_usable_size(block)));
  wiping_free(block);
  return moved;
}

}  // namespace

void start_libcurl() {
  const CURLcode code =
      curl_global_init_mem(CURL_GLOBAL_DEFAULT, std::malloc, wiping_free, wiping_realloc, strdup, std::calloc);
  if (code != CURLE_OK) throw std::bad_alloc();
}

}  // namespace relaypipe
