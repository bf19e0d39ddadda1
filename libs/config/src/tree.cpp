#include "tree.h"

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <sstream>

#include "sluice/base/utf8.h"

namespace sluice::config {
namespace {

/// Aliases can make a short file endless: no value of ours lies deeper, and no file of ours has more.
constexpr std::size_t kMaxDepth = 4;
constexpr std::size_t kMaxNodes = 50'000;

std::string place_of(const std::string& name, const YAML::Mark& mark) {
  return mark.is_null() ? name : fmt::format("{}:{}:{}", name, mark.line + 1, mark.column + 1);
}

struct TooMuch {
  std::string place;
};

struct Extent {
  std::size_t nodes = 1;
  std::size_t depth = 0;
};

Extent extent_of(const Tree& tree) {
  Extent size;
  const auto add = [&size](const Tree& inner) {
    const Extent inside = extent_of(inner);
    size.nodes += inside.nodes;
    size.depth = std::max(size.depth, inside.depth + 1);
  };
  for (const Tree& element : tree.elements) add(element);
  for (const Tree::Member& member : tree.members) add(member.value);
  return size;
}

/// Builds the tree from what the parser meets. (YAML::LoadAll would do, but some malformed files keep it busy for
/// ever.)
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const std::string& name) : name_(name) { root_.place = name; }

  Tree take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(leaf(Tree::Kind::Null, mark, {}), anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& text) override {
    add(leaf(Tree::Kind::Scalar, mark, text), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) throw TooMuch{place_of(name_, mark)};  // inside of what it stands for
    Tree copy = found->second;
    copy.place = place_of(name_, mark);
    add(std::move(copy), 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open_.push_back({leaf(Tree::Kind::List, mark, {}), anchor, std::nullopt});
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open_.push_back({leaf(Tree::Kind::Map, mark, {}), anchor, std::nullopt});
  }
  void OnMapEnd() override { close(); }

 private:
  /// A list or map whose end was not met yet.
  struct Open {
    Tree tree;
    YAML::anchor_t anchor = 0;
    std::optional<Tree> key;  ///< of a map: its value comes next
  };

  Tree leaf(Tree::Kind kind, const YAML::Mark& mark, const std::string& text) const {
    return {kind, place_of(name_, mark), text, {}, {}};
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.tree), done.anchor);
  }

  void add(Tree tree, YAML::anchor_t anchor) {
    const Extent size = extent_of(tree);
    nodes_ += size.nodes;
    if (nodes_ > kMaxNodes || open_.size() + size.depth > kMaxDepth) throw TooMuch{tree.place};
    if (anchor != 0) anchored_.insert_or_assign(anchor, tree);
    if (open_.empty()) {
      root_ = std::move(tree);
      return;
    }
    Open& parent = open_.back();
    if (parent.tree.kind == Tree::Kind::List) {
      parent.tree.elements.push_back(std::move(tree));
    } else if (!parent.key) {
      parent.key = std::move(tree);
    } else {
      parent.tree.members.push_back({parent.key->text, parent.key->place, std::move(tree)});
      parent.key.reset();
    }
  }

  const std::string& name_;
  Tree root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Tree> anchored_;
  std::size_t nodes_ = 0;
};

tl::unexpected<Mistake> bad_yaml(std::string place, std::string message) {
  return tl::unexpected(Mistake{std::move(place), "config.bad_yaml", std::move(message)});
}

std::string place_at(const std::string& name, const std::string& text, std::size_t at) {
  const std::string_view before = std::string_view(text).substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return fmt::format("{}:{}:{}", name, line, at - line_begin + 1);
}

/// YAML takes no tab in front of a key, and the parser complains of something else, further on.
std::size_t first_tab_that_indents(const std::string& text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t first = text.find_first_not_of(' ', begin);
    if (first != std::string::npos && text[first] == '\t') return first;
    const std::size_t end = text.find('\n', begin);
    begin = end == std::string::npos ? text.size() : end + 1;
  }
  return std::string::npos;
}

/// What the parser says, in the words of whoever wrote the file.
std::string remedy_of(const std::string& complaint) {
  if (complaint == YAML::ErrorMsg::END_OF_MAP || complaint == YAML::ErrorMsg::END_OF_SEQ) {
    return "this line is not indented as the keys or the list above it: give them all the same blanks";
  }
  if (complaint == YAML::ErrorMsg::MAP_VALUE || complaint == YAML::ErrorMsg::UNKNOWN_TOKEN) {
    return complaint + ": put a value that has special characters in quotes";
  }
  return complaint + ": mend the YAML";
}

}  // namespace

tl::expected<Tree, Mistake> parse_yaml(const std::string& text, const std::string& name) {
  // yaml-cpp puts something else in the place of bytes that are no UTF-8, and ends at a NUL.
  const std::size_t stray = std::min(base::first_non_utf8(text), text.find('\0'));
  if (stray != std::string::npos) {
    return bad_yaml(place_at(name, text, stray), "this is no text in UTF-8: save the file in that encoding");
  }
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Builder first(name);
    parser.HandleNextDocument(first);
    Builder second(name);
    if (!parser.HandleNextDocument(second)) return first.take();
    const std::string place = second.take().place;
    return bad_yaml(place, "a second document begins, or something that belongs to nothing: remove it");
  } catch (const TooMuch& found) {
    return bad_yaml(found.place, "values lie deeper, or are more, than any configuration has: look at the aliases");
  } catch (const YAML::Exception& exception) {
    if (const std::size_t tab = first_tab_that_indents(text); tab != std::string::npos) {
      return bad_yaml(place_at(name, text, tab), "a tab indents this line: use blanks");
    }
    return bad_yaml(place_of(name, exception.mark), remedy_of(exception.msg));
  } catch (const std::exception& exception) {
    return bad_yaml(name, fmt::format("the YAML cannot be read ({}): mend it", exception.what()));
  }
}

}  // namespace sluice::config
