#include "sluice/pipeline/document_sink.h"

namespace sluice::pipeline {

void DocumentBatch::clear() {
  bytes_.clear();
  entries_.clear();
}

void DocumentBatch::add(Document document, Piece index, Piece id, Piece body) {
  entries_.push_back({document, index, id, body});
}

void DocumentBatch::cut(Mark mark) {
  entries_.resize(mark.documents);
  bytes_.resize(mark.bytes);
}

void DocumentBatch::append(const Document& document) {
  const auto copy = [this](std::string_view text) {
    const Piece piece{bytes_.size(), text.size()};
    bytes_.append(text);
    return piece;
  };
  const Piece index = copy(document.index);
  const Piece id = copy(document.id);
  const Piece body = copy(document.body);
  add(document, index, id, body);
}

Document DocumentBatch::operator[](std::size_t ordinal) const {
  const Entry& entry = entries_[ordinal];
  const auto view = [this](Piece piece) { return std::string_view(bytes_).substr(piece.begin, piece.size); };
  Document document = entry.document;
  document.index = view(entry.index);
  document.id = view(entry.id);
  document.body = view(entry.body);
  return document;
}

}  // namespace sluice::pipeline
