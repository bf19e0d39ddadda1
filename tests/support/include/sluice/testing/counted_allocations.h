// Counts what operator new is asked for. Include it in one file of a program: it replaces operator new and delete.
//
// Thread rule: any thread; each counts its own.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace sluice::testing {
inline thread_local std::size_t allocations = 0;
}

// A replacement must not be inline.
void* operator new(std::size_t size) {
  ++sluice::testing::allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
