#include "tree.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <exception>

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

class Copy {
 public:
  explicit Copy(const std::string& name) : name_(name) {}

  Tree operator()(const YAML::Node& node, std::size_t depth) {
    Tree tree;
    tree.place = place_of(name_, node.Mark());
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes) throw TooMuch{tree.place};
    if (node.IsScalar()) {
      tree.kind = Tree::Kind::Scalar;
      tree.text = node.Scalar();
    } else if (node.IsSequence()) {
      tree.kind = Tree::Kind::List;
      for (const YAML::Node& element : node) tree.elements.push_back((*this)(element, depth + 1));
    } else if (node.IsMap()) {
      tree.kind = Tree::Kind::Map;
      for (const auto& member : node) {
        const std::string name = member.first.IsScalar() ? member.first.Scalar() : std::string();
        tree.members.push_back({name, place_of(name_, member.first.Mark()), (*this)(member.second, depth + 1)});
      }
    }
    return tree;
  }

 private:
  const std::string& name_;
  std::size_t nodes_ = 0;
};

tl::unexpected<Mistake> bad_yaml(std::string place, std::string message) {
  return tl::unexpected(Mistake{std::move(place), "config.bad_yaml", std::move(message)});
}

}  // namespace

tl::expected<Tree, Mistake> parse_yaml(const std::string& text, const std::string& name) {
  // yaml-cpp puts something else in the place of bytes that are no UTF-8, and ends at a NUL.
  const std::size_t stray = std::min(base::first_non_utf8(text), text.find('\0'));
  if (stray != std::string::npos) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(stray), '\n');
    return bad_yaml(fmt::format("{}:{}", name, line), "this is no text in UTF-8: save the file in that encoding");
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) {
      return bad_yaml(place_of(name, documents[1].Mark()), "a second document begins: remove the line with ---");
    }
    return documents.empty() ? Tree{Tree::Kind::Null, name, {}, {}, {}} : Copy(name)(documents.front(), 0);
  } catch (const TooMuch& found) {
    return bad_yaml(found.place, "values lie deeper, or are more, than any configuration has: look at the aliases");
  } catch (const YAML::Exception& exception) {
    return bad_yaml(place_of(name, exception.mark), exception.msg + ": mend the YAML");
  } catch (const std::exception& exception) {
    return bad_yaml(name, fmt::format("the YAML cannot be read ({}): mend it", exception.what()));
  }
}

}  // namespace sluice::config
