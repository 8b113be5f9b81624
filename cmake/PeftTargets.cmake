# Compile flags that every target of the project shares.
add_library(peft_flags INTERFACE)
target_compile_features(peft_flags INTERFACE cxx_std_20)
target_compile_options(peft_flags INTERFACE -fno-math-errno "$<BUILD_INTERFACE:-Wall;-Wextra;-Wshadow;-Wno-unused-parameter;-Wno-missing-field-initializers>"
  # false alarms of g++ 12: its AVX-512 header under Eigen, its std::string
  -Wno-uninitialized $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(PEFT_NATIVE)
  # g++ 12.2 on processors newer than itself broadcasts the first value of a braced list over its zeros when it moves 32 or
  # 64 bytes at once: std::vector<double>{1, 1, 1, 0} became 1 1 1 1. tests/engine/base/compiler_test.cpp watches it.
  set(PEFT_PROCESSOR_FLAGS -march=native)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    list(APPEND PEFT_PROCESSOR_FLAGS -mmove-max=128 -mstore-max=128)
  endif()
else()
  set(PEFT_PROCESSOR_FLAGS -march=x86-64-v3)
endif()
include(CheckCXXSourceCompiles)
list(JOIN PEFT_PROCESSOR_FLAGS " " CMAKE_REQUIRED_FLAGS)
check_cxx_source_compiles("#ifndef __AVX512F__\n#error\n#endif\nint main() {}" PEFT_HAS_AVX512)
unset(CMAKE_REQUIRED_FLAGS)
set(PEFT_EIGEN_ALIGN $<IF:$<BOOL:${PEFT_HAS_AVX512}>,64,32>)
# Projects that link the installed libraries get these flags from the package, which says so (peft_cppConfig.cmake.in).
# Eigen's alignment is part of the binary interface and follows the processor, so it is fixed for them in any case.
target_compile_options(peft_flags INTERFACE "$<BUILD_INTERFACE:${PEFT_PROCESSOR_FLAGS}>")
target_compile_definitions(peft_flags INTERFACE EIGEN_DONT_PARALLELIZE
  "$<INSTALL_INTERFACE:EIGEN_MAX_ALIGN_BYTES=${PEFT_EIGEN_ALIGN}>")
if(PEFT_FUZZ)
  target_compile_options(peft_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(PEFT_SANITIZE)
  target_compile_options(peft_flags INTERFACE -fsanitize=${PEFT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(peft_flags INTERFACE -fsanitize=${PEFT_SANITIZE})
else()
  target_compile_definitions(peft_flags INTERFACE EIGEN_NO_DEBUG)
endif()
target_include_directories(peft_flags INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/peft_cpp>)

# peft_scalar_free(name SOURCES ... LINKS ...): a library that does not know engine::Scalar; compiled once, usable by both.
function(peft_scalar_free name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_library(peft_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(peft_${name} PUBLIC peft_flags ${ARG_LINKS})
  add_library(peft::${name} ALIAS peft_${name})
  add_library(peft::${name}_f64 ALIAS peft_${name})
endfunction()

# peft_library(name SOURCES ... LINKS ...): compiled twice from the same sources, peft::<name> with float scalars and
# peft::<name>_f64 with double ones (for gradient checks at 1e-7). LINKS name other libraries without the suffix.
function(peft_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;DEPS" ${ARGN})
  foreach(suffix "" "_f64")
    set(target peft_${name}${suffix})
    add_library(${target} STATIC ${ARG_SOURCES})
    target_link_libraries(${target} PUBLIC peft_flags ${ARG_DEPS})
    if(PEFT_SANITIZE)
      target_compile_options(${target} PRIVATE -O1)
    endif()
    foreach(link ${ARG_LINKS})
      target_link_libraries(${target} PUBLIC peft::${link}${suffix})
    endforeach()
    if(suffix)
      target_compile_definitions(${target} PUBLIC PEFT_SCALAR_DOUBLE)
      target_compile_options(${target} PRIVATE -O1)  # only tests use it: the time goes into compiling
      set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)  # built when a test wants it
    endif()
    add_library(peft::${name}${suffix} ALIAS ${target})
  endforeach()
endfunction()

# peft_embed(variable HEADER path.h SCOPE a::b FILES name file ...): sources that hold files, one a name; HEADER declares
# std::string_view a::b::name() for each.
function(peft_embed variable)
  cmake_parse_arguments(ARG "" "HEADER;SCOPE" "FILES" ${ARGN})
  set(sources "")
  while(ARG_FILES)
    list(POP_FRONT ARG_FILES name file)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}.cpp)
    add_custom_command(OUTPUT ${out} DEPENDS ${file} ${PROJECT_SOURCE_DIR}/cmake/Embed.cmake VERBATIM
      COMMAND ${CMAKE_COMMAND} -D OUT=${out} -D HEADER=${ARG_HEADER} -D SCOPE=${ARG_SCOPE} -D NAME=${name} -D IN=${file}
              -P ${PROJECT_SOURCE_DIR}/cmake/Embed.cmake)
    list(APPEND sources ${out})
  endwhile()
  set(${variable} ${sources} PARENT_SCOPE)
endfunction()

# peft_test(name SOURCES ... LINKS ... DEPS ... [A_TEST_PER_FILE]): one doctest executable; ctest runs it from the source
# folder, in whole or as a test for each of its files, so that long ones run beside each other.
# All of them at once: the target peft_tests, which builds no program that no test needs.
if(PEFT_BUILD_TESTS)
  add_custom_target(peft_tests)
  add_library(peft_test_main OBJECT ${PROJECT_SOURCE_DIR}/tests/support/main.cpp ${PROJECT_SOURCE_DIR}/tests/support/paths.cpp)
  target_link_libraries(peft_test_main PRIVATE peft_flags peft_dep::doctest)
  target_compile_definitions(peft_test_main PRIVATE PEFT_SOURCE_DIR="${PROJECT_SOURCE_DIR}" PEFT_BINARY_DIR="${PROJECT_BINARY_DIR}")
endif()
function(peft_test name)
  cmake_parse_arguments(ARG "A_TEST_PER_FILE" "" "SOURCES;LINKS;DEPS" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES} $<TARGET_OBJECTS:peft_test_main>)
  target_link_libraries(test_${name} PRIVATE ${ARG_LINKS} ${ARG_DEPS} peft_flags peft_dep::doctest)
  if(NOT PEFT_SANITIZE)
    target_compile_options(test_${name} PRIVATE -O1)  # of tests, the time goes into compiling
  endif()
  add_dependencies(peft_tests test_${name})
  set(tests "")
  foreach(file ${ARG_SOURCES})
    if(ARG_A_TEST_PER_FILE AND file MATCHES "(.*)_test\\.cpp$")
      list(APPEND tests ${name}_${CMAKE_MATCH_1})
      add_test(NAME ${name}_${CMAKE_MATCH_1} COMMAND test_${name} --source-file=*/${file} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    endif()
  endforeach()
  if(NOT tests)
    set(tests ${name})
    add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  endif()
  # Tests run beside each other: threads that wait leave the processor to the others.
  # A name that is no folder is asked of no hub.
  set_tests_properties(${tests} PROPERTIES ENVIRONMENT "OMP_NUM_THREADS=2;OMP_WAIT_POLICY=passive;HF_HUB_OFFLINE=1" TIMEOUT 900)
endfunction()

# peft_test_twice(name SOURCES ... LINKS ... DEPS ...): the same test against the float and the double build of the
# project's libraries (LINKS, without the suffix); DEPS are libraries of others.
function(peft_test_twice name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;DEPS" ${ARGN})
  peft_test(${name} SOURCES ${ARG_SOURCES} LINKS ${ARG_LINKS} DEPS ${ARG_DEPS})
  if(PEFT_TEST_DOUBLE)
    list(TRANSFORM ARG_LINKS APPEND "_f64")
    peft_test(${name}_f64 SOURCES ${ARG_SOURCES} LINKS ${ARG_LINKS} DEPS ${ARG_DEPS})
  endif()
endfunction()
