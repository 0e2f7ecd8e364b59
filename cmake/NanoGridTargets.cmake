# nanogrid_library, nanogrid_program, nanogrid_test: targets with the project's flags.

# Flags for the project's own code only: neither dependencies nor a program that embeds NanoGrid
# inherit them. The two freestanding programs of the sandbox do without (src/sandbox/common).
add_library(nanogrid_flags INTERFACE)
target_compile_options(nanogrid_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-qual
  -fno-strict-aliasing -fstack-protector-strong
  # GCC 12, optimising, sees overlaps in std::string's own copies (GCC bug 105651) and reads of
  # std::optional's empty payload (bug 80635) that are not there.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-maybe-uninitialized>
  $<$<BOOL:${NANOGRID_WERROR}>:-Werror>)
if(NANOGRID_SANITIZE)
  target_compile_options(nanogrid_flags INTERFACE
    -fsanitize=${NANOGRID_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(nanogrid_flags INTERFACE -fsanitize=${NANOGRID_SANITIZE})
endif()
if(NANOGRID_BUILD_FUZZERS)
  target_compile_options(nanogrid_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# nanogrid_library(core [INTERFACE] SOURCES a.cc … LIBS public… PRIVATE_LIBS private…)
# Makes libnanogrid_core.a and nanogrid::core. Call it for the lower layers first: the order in
# which a static link needs them (nanogrid.pc) is the reverse.
function(nanogrid_library name)
  cmake_parse_arguments(ARG "INTERFACE" "" "SOURCES;LIBS;PRIVATE_LIBS" ${ARGN})
  set(target nanogrid_${name})
  # Header-only libraries are in our objects already: who links those needs no Boost.
  list(TRANSFORM ARG_PRIVATE_LIBS REPLACE "^Boost::headers$" "$<BUILD_INTERFACE:Boost::headers>")
  if(ARG_INTERFACE)
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  else()
    add_library(${target} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
    target_include_directories(${target} PRIVATE ${NanoGrid_SOURCE_DIR}/src)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON
      CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON CXX_EXTENSIONS OFF)
    target_link_libraries(${target} PRIVATE ${ARG_PRIVATE_LIBS} $<BUILD_INTERFACE:nanogrid_flags>)
  endif()
  add_library(nanogrid::${name} ALIAS ${target})
  target_compile_features(${target} ${scope} cxx_std_20)
  target_include_directories(${target} ${scope}
    $<BUILD_INTERFACE:${NanoGrid_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} ${scope} ${ARG_LIBS})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY NANOGRID_LIBRARIES ${target})
endfunction()

# nanogrid_program(nanogrid SOURCES … LIBS …)
function(nanogrid_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} nanogrid_flags)
endfunction()

# nanogrid_test_program(kill_writer SOURCES … LIBS …): a program that a test starts, with a test's includes.
function(nanogrid_test_program name)
  nanogrid_program(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${name} PRIVATE ${NanoGrid_SOURCE_DIR}/src ${NanoGrid_SOURCE_DIR}/tests)
endfunction()

# nanogrid_test(uri [GROUPED] SOURCES … LIBS … PROPERTIES of-tests…): a GoogleTest program, one ctest entry per test case;
# GROUPED: none, the caller adds its own.
# Tests may include private headers (src/) and each other's helpers (tests/).
function(nanogrid_test name)
  cmake_parse_arguments(ARG "GROUPED" "TIMEOUT" "SOURCES;LIBS;LABELS;PROPERTIES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set(target test_${name})
  add_executable(${target} ${ARG_SOURCES})
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${target} PRIVATE ${NanoGrid_SOURCE_DIR}/src
    ${NanoGrid_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE ${ARG_LIBS} GTest::gmock GTest::gtest_main nanogrid_flags)
  if(ARG_GROUPED)
    return()
  endif()
  set(properties TIMEOUT ${ARG_TIMEOUT} ${ARG_PROPERTIES})
  if(ARG_LABELS)
    list(APPEND properties LABELS "${ARG_LABELS}")
  endif()
  gtest_discover_tests(${target} TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60 NO_PRETTY_VALUES
    PROPERTIES ${properties})
endfunction()
