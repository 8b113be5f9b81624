# Compile flags that every target of the project shares.
add_library(peft_flags INTERFACE)
target_compile_features(peft_flags INTERFACE cxx_std_20)
target_compile_options(peft_flags INTERFACE -fno-math-errno "$<BUILD_INTERFACE:-Wall;-Wextra;-Wshadow;-Wno-unused-parameter;-Wno-missing-field-initializers>"
  # false alarms of g++ 12: its AVX-512 header under Eigen, its std::string
  -Wno-uninitialized -Wno-maybe-uninitialized -Wno-restrict)
if(PEFT_NATIVE)
  # g++ 12.2 on processors newer than itself broadcasts the first value of a braced list over its zeros when it moves 32 or
  # 64 bytes at once: std::vector<double>{1, 1, 1, 0} became 1 1 1 1. tests/engine/base/compiler_test.cpp watches it.
  target_compile_options(peft_flags INTERFACE -march=native -mmove-max=128 -mstore-max=128)
else()
  target_compile_options(peft_flags INTERFACE -march=x86-64-v3)
endif()
target_compile_definitions(peft_flags INTERFACE EIGEN_DONT_PARALLELIZE)
if(PEFT_SANITIZE)
  target_compile_options(peft_flags INTERFACE -fsanitize=${PEFT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(peft_flags INTERFACE -fsanitize=${PEFT_SANITIZE})
else()
  target_compile_definitions(peft_flags INTERFACE EIGEN_NO_DEBUG)
endif()
target_include_directories(peft_flags INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/peft_cpp>)

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

# peft_test(name SOURCES ... LINKS ...): one doctest executable; ctest runs it from the source folder.
# All of them at once: the target peft_tests, which builds no program that no test needs.
if(PEFT_BUILD_TESTS)
  add_custom_target(peft_tests)
  add_library(peft_test_main OBJECT ${CMAKE_SOURCE_DIR}/tests/support/main.cpp ${CMAKE_SOURCE_DIR}/tests/support/paths.cpp)
  target_compile_definitions(peft_test_main PRIVATE PEFT_SOURCE_DIR="${CMAKE_SOURCE_DIR}" PEFT_BINARY_DIR="${CMAKE_BINARY_DIR}")
  target_link_libraries(peft_test_main PRIVATE peft_flags peft_dep::doctest)
endif()
function(peft_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES} $<TARGET_OBJECTS:peft_test_main>)
  target_link_libraries(test_${name} PRIVATE ${ARG_LINKS} peft_flags peft_dep::doctest)
  if(NOT PEFT_SANITIZE)
    target_compile_options(test_${name} PRIVATE -O1)  # of tests, the time goes into compiling
  endif()
  add_dependencies(peft_tests test_${name})
  add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "OMP_NUM_THREADS=2" TIMEOUT 900)
endfunction()
