// The one holder of C handles: using PgConnection = Handle<PGconn, &PQfinish>;
//
// Thread rule: as the handle itself.
#pragma once

#include <memory>

namespace sluice::base {

template <auto kDestroy>
struct HandleDeleter {
  template <class T>
  void operator()(T* handle) const noexcept {
    kDestroy(handle);
  }
};

template <class T, auto kDestroy>
using Handle = std::unique_ptr<T, HandleDeleter<kDestroy>>;

}  // namespace sluice::base
