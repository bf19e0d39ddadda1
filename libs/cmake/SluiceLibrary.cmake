# sluice_library(NAME base [PER_ROW] SOURCES src/a.cpp … PUBLIC sluice::x … PRIVATE fmt::fmt …)
#
# One library of the house: libs/<name>/{include/sluice/<name>, src}, target sluice::<name>. Third-party libraries stand
# under PRIVATE unless their types appear in our headers. PER_ROW: pure code that runs for every value of every row; -O3
# takes a fifth off an envelope, and a third more time to compile, so the rest stays at -O2.
function(sluice_library)
  cmake_parse_arguments(arg "PER_ROW" "NAME" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  set(target sluice_${arg_NAME})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
    # Our warnings are for our own sources: who uses the installed package never meets them.
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:sluice_options> ${arg_PRIVATE})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  if(arg_PER_ROW)
    target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O3>)
  endif()
  add_library(sluice::${arg_NAME} ALIAS ${target})
  target_include_directories(${target} ${scope}
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(${target} ${scope} cxx_std_20)
  target_link_libraries(${target} ${scope} ${arg_PUBLIC})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${arg_NAME})
  set_property(GLOBAL APPEND PROPERTY SLUICE_LIBRARIES ${target})
endfunction()
