#include "sluice/base/error.h"

#include <utility>

namespace sluice::base {

std::string_view to_string(Recovery recovery) {
  switch (recovery) {
    case Recovery::Retry: return "retry";
    case Recovery::Reject: return "reject";
    case Recovery::Stop: return "stop";
  }
  return "?";
}

tl::unexpected<Error> fail(Recovery recovery, std::string_view id, std::string message) {
  return tl::unexpected<Error>(Error{recovery, id, std::move(message)});
}

tl::unexpected<Error> prefixed(std::string_view context, Error error) {
  error.message.insert(0, ": ").insert(0, context);
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace sluice::base
