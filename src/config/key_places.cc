#include "config/key_places.h"

#include <variant>

#include "config/document_reader.h"

namespace relaypipe {
namespace {

const DocumentTable* table_of(const DocumentEntry* entry) {
  return entry == nullptr ? nullptr : std::get_if<DocumentTable>(&entry->value.value);
}

const DocumentEntry* find(const DocumentTable* table, std::string_view key) {
  return table == nullptr ? nullptr : find_entry(*table, key);
}

/// The entry for a key whose parts are separated by periods.
const DocumentEntry* find_dotted(const DocumentTable* table, std::string_view key) {
  const std::size_t period = key.find('.');
  if (period == key.npos) return find(table, key);
  return find(table_of(find(table, key.substr(0, period))), key.substr(period + 1));
}

/// `[relay.NAME]`, `[chain.NAME]` or `[fleet]`, by its place.
const DocumentTable* find_section(const Document& document, Place at) {
  for (const DocumentEntry& kind : document.entries) {
    const DocumentTable* const named = table_of(&kind);
    if (named == nullptr) continue;
    if (kind.at.line == at.line && kind.at.column == at.column) return named;
    for (const DocumentEntry& entry : *named) {
      if (entry.at.line == at.line && entry.at.column == at.column) return table_of(&entry);
    }
  }
  return nullptr;
}

const DocumentEntry* find_global(const Document& document, std::string_view key) {
  const DocumentEntry* const top = find_dotted(&document.entries, key);
  return top != nullptr ? top : find_dotted(table_of(find(&document.entries, "defaults")), key);
}

}  // namespace

Position key_position(std::span<const Document> documents, const Position& section, std::string_view key) {
  for (const Document& document : documents) {
    const DocumentEntry* entry = nullptr;
    if (section.line == 0)
      entry = find_global(document, key);
    else if (document.file == section.file)
      entry = find_dotted(find_section(document, {section.line, section.column}), key);
    if (entry != nullptr) return document.position(entry->at);
  }
  return section;
}

}  // namespace relaypipe
