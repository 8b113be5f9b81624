# Everything comes from Debian packages. A missing one stops the configuration with the line that installs all of them.
# Installed beside peft_cppConfig.cmake too, to find the same for who uses the libraries.
set(PEFT_APT "sudo apt-get install g++ cmake ninja-build git libeigen3-dev libopenblas-openmp-dev nlohmann-json3-dev \
libutf8proc-dev libre2-dev libxxhash-dev libcsv-dev liblzma-dev libpcre2-dev libstemmer-dev libpugixml-dev libcxxopts-dev \
doctest-dev libarchive-dev libjs-chart.js libcurl4-openssl-dev libssl-dev")

function(peft_missing what)
  message(FATAL_ERROR "peft.cpp: ${what} was not found.\nhint: install the packages that the build needs with\n  ${PEFT_APT}")
endfunction()

find_package(Eigen3 3.4 QUIET NO_MODULE)
if(NOT TARGET Eigen3::Eigen)
  peft_missing("Eigen 3.4 (libeigen3-dev)")
endif()

find_package(OpenMP QUIET COMPONENTS CXX)
if(NOT OpenMP_CXX_FOUND)
  peft_missing("OpenMP (it comes with g++)")
endif()

find_package(nlohmann_json QUIET)
if(NOT TARGET nlohmann_json::nlohmann_json)
  peft_missing("nlohmann-json (nlohmann-json3-dev)")
endif()

# A header or library that has no CMake package of its own becomes an imported target peft_dep::<name>.
function(peft_find name header library package)
  find_path(PEFT_${name}_INCLUDE ${header})
  if(library)
    find_library(PEFT_${name}_LIBRARY ${library})
  endif()
  if(NOT PEFT_${name}_INCLUDE OR (library AND NOT PEFT_${name}_LIBRARY))
    peft_missing("${header} (${package})")
  endif()
  add_library(peft_dep::${name} INTERFACE IMPORTED)
  target_include_directories(peft_dep::${name} SYSTEM INTERFACE ${PEFT_${name}_INCLUDE})
  if(library)
    target_link_libraries(peft_dep::${name} INTERFACE ${PEFT_${name}_LIBRARY})
  endif()
endfunction()

peft_find(utf8proc utf8proc.h utf8proc libutf8proc-dev)
peft_find(re2 re2/re2.h re2 libre2-dev)
peft_find(xxhash xxhash.h xxhash libxxhash-dev)
peft_find(csv csv.h csv libcsv-dev)
peft_find(archive archive.h archive libarchive-dev)  # zip files
peft_find(lzma lzma.h lzma liblzma-dev)
peft_find(pcre2 pcre2.h pcre2-8 libpcre2-dev)
peft_find(stemmer libstemmer.h stemmer libstemmer-dev)
peft_find(pugixml pugixml.hpp pugixml libpugixml-dev)

# Models by name are downloaded with libcurl and checked with OpenSSL's digests; without them only what Hugging Face's cache
# holds is used, and messages say so.
find_path(PEFT_curl_INCLUDE curl/curl.h)
find_library(PEFT_curl_LIBRARY curl)
find_path(PEFT_crypto_INCLUDE openssl/evp.h)
find_library(PEFT_crypto_LIBRARY crypto)
add_library(peft_dep::curl INTERFACE IMPORTED)
if(PEFT_curl_INCLUDE AND PEFT_curl_LIBRARY AND PEFT_crypto_INCLUDE AND PEFT_crypto_LIBRARY)
  target_include_directories(peft_dep::curl SYSTEM INTERFACE ${PEFT_curl_INCLUDE} ${PEFT_crypto_INCLUDE})
  target_link_libraries(peft_dep::curl INTERFACE ${PEFT_curl_LIBRARY} ${PEFT_crypto_LIBRARY})
  target_compile_definitions(peft_dep::curl INTERFACE PEFT_HAS_CURL)
endif()

# oneDNN's sgemm is faster than OpenBLAS at most of our shapes (docs/performance/journal.md); without it, all products are OpenBLAS's.
option(PEFT_ONEDNN "Use oneDNN's matrix products where they are faster, if libdnnl-dev is there" ON)
find_path(PEFT_onednn_INCLUDE dnnl.h)
find_library(PEFT_onednn_LIBRARY dnnl)
add_library(peft_dep::onednn INTERFACE IMPORTED)
if(PEFT_ONEDNN AND PEFT_onednn_INCLUDE AND PEFT_onednn_LIBRARY)
  target_include_directories(peft_dep::onednn SYSTEM INTERFACE ${PEFT_onednn_INCLUDE})
  target_link_libraries(peft_dep::onednn INTERFACE ${PEFT_onednn_LIBRARY})
  target_compile_definitions(peft_dep::onednn INTERFACE PEFT_HAS_ONEDNN)
endif()

# OpenBLAS in its OpenMP build, by its own directory with an rpath: the alternatives system prefers the pthread build,
# whose soname is the same, and two thread teams on the same cores are the slowest of all (docs/why.md).
find_path(PEFT_OPENBLAS_INCLUDE cblas.h PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp
          /usr/include/openblas-openmp NO_DEFAULT_PATH)
find_library(PEFT_OPENBLAS_LIBRARY openblas PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp
             /usr/lib/openblas-openmp NO_DEFAULT_PATH)
if(NOT PEFT_OPENBLAS_INCLUDE OR NOT PEFT_OPENBLAS_LIBRARY)
  peft_missing("OpenBLAS in its OpenMP build (libopenblas-openmp-dev)")
endif()
get_filename_component(PEFT_OPENBLAS_DIR ${PEFT_OPENBLAS_LIBRARY} DIRECTORY)
add_library(peft_dep::openblas INTERFACE IMPORTED)
# With clang, OpenMP is libomp; Debian's OpenBLAS and oneDNN load libgomp, and a program would have two teams of threads on
# the same cores. libomp has libgomp's entry points too, so programs find it under that name: by a link in a folder of the
# build that stands first in their rpath, which holds for the libraries that they load as well.
foreach(name IN LISTS OpenMP_CXX_LIB_NAMES)
  if(name MATCHES "^(lib)?omp$")
    set(PEFT_OPENMP_DIR ${CMAKE_BINARY_DIR}/openmp)
    file(REAL_PATH ${OpenMP_${name}_LIBRARY} PEFT_LIBOMP)
    file(MAKE_DIRECTORY ${PEFT_OPENMP_DIR})
    file(CREATE_LINK ${PEFT_LIBOMP} ${PEFT_OPENMP_DIR}/libgomp.so.1 SYMBOLIC)
    target_link_options(peft_dep::openblas INTERFACE "-Wl,--disable-new-dtags,-rpath,${PEFT_OPENMP_DIR}")
  endif()
endforeach()
target_include_directories(peft_dep::openblas SYSTEM INTERFACE ${PEFT_OPENBLAS_INCLUDE})
target_link_libraries(peft_dep::openblas INTERFACE ${PEFT_OPENBLAS_LIBRARY})
target_link_options(peft_dep::openblas INTERFACE "-Wl,--disable-new-dtags,-rpath,${PEFT_OPENBLAS_DIR}")
