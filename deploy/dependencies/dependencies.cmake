# The libraries that Vestibule stands on, each as an imported target:
#
#   BoringSSL::ssl BoringSSL::crypto   built by deploy/dependencies/install, or -DBORINGSSL_ROOT=
#   llhttp::llhttp Catch2::Catch2WithMain   unpacked by deploy/dependencies/install
#   uv::uv nghttp2::nghttp2 cares::cares hiredis::hiredis brotli::brotli bpf::bpf prometheus::core fmt::fmt nlohmann_json::nlohmann_json CLI11::CLI11 ZLIB::ZLIB
#   unistring::unistring seccomp::seccomp   Debian's own

if(DEFINED ENV{VESTIBULE_DEPENDENCIES})
  set(vestibule_dependencies $ENV{VESTIBULE_DEPENDENCIES})
else()
  set(vestibule_dependencies ${PROJECT_SOURCE_DIR}/build/dependencies)
endif()
set(vestibule_install_hint "Run deploy/dependencies/install first: it installs and builds what is missing.")

# One static library of a folder with include/ and lib/.
function(vestibule_import target include_directory library)
  if(NOT EXISTS ${library})
    message(FATAL_ERROR "${target}: ${library} is missing. ${vestibule_install_hint}")
  endif()
  add_library(${target} STATIC IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${library}
                                             INTERFACE_INCLUDE_DIRECTORIES ${include_directory})
endfunction()

# Sets vestibule_boringssl_private to the folder from which libcore/tls/hello_numbers.cc can be compiled
# with BoringSSL's private headers; to nothing where there are none, or none that fit.
function(vestibule_find_boringssl_private root include)
  find_path(folder ssl/internal.h NO_CACHE NO_DEFAULT_PATH PATHS ${root} PATH_SUFFIXES private . src)
  if(folder)
    get_filename_component(folder ${folder} ABSOLUTE)
    set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
    try_compile(fits ${CMAKE_BINARY_DIR}/boringssl_private ${PROJECT_SOURCE_DIR}/libcore/tls/hello_numbers.cc
                CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${folder};${include};${PROJECT_SOURCE_DIR}"
                COMPILE_DEFINITIONS -DVESTIBULE_BORINGSSL_PRIVATE
                CXX_STANDARD 23 CXX_STANDARD_REQUIRED ON)
    set(tried ${fits})
    unset(fits CACHE) # another BORINGSSL_ROOT is tried anew
    set(fits ${tried})
  endif()
  if(folder AND fits)
    set(vestibule_boringssl_private ${folder} PARENT_SCOPE)
  else()
    message(STATUS "BoringSSL: no private headers that fit in ${root}: turnd will serve no DTLS")
    set(vestibule_boringssl_private "" PARENT_SCOPE)
  endif()
endfunction()

# BORINGSSL_ROOT may be an install prefix, or a source tree whose build folder is called build.
function(vestibule_find_boringssl)
  set(root ${BORINGSSL_ROOT})
  if(NOT root)
    set(root ${vestibule_dependencies}/boringssl)
    if(NOT EXISTS ${root})
      message(FATAL_ERROR "BoringSSL: ${root} is missing. ${vestibule_install_hint} "
                          "Or name another one with -DBORINGSSL_ROOT=DIR.")
    endif()
  endif()
  foreach(name ssl crypto)
    find_library(${name} lib${name}.a NO_CACHE NO_DEFAULT_PATH
                 PATHS ${root} PATH_SUFFIXES lib lib64 build build/${name})
    if(NOT ${name})
      message(FATAL_ERROR "BoringSSL: no lib${name}.a in ${root} (lib, lib64, build, build/${name}). "
                          "BORINGSSL_ROOT must be an install prefix or a built source tree.")
    endif()
  endforeach()
  find_path(include openssl/base.h NO_CACHE NO_DEFAULT_PATH PATHS ${root} PATH_SUFFIXES include src/include)
  if(NOT include)
    message(FATAL_ERROR "BoringSSL: no openssl/base.h in ${root}/include")
  endif()

  file(STRINGS ${include}/openssl/base.h version REGEX "^#define BORINGSSL_API_VERSION [0-9]+")
  string(REGEX MATCH "[0-9]+$" version "${version}")
  if(NOT version)
    message(FATAL_ERROR "BoringSSL: ${include} holds another library's headers (no BORINGSSL_API_VERSION)")
  elseif(version LESS 19)
    message(FATAL_ERROR "BoringSSL: API version ${version} in ${root}, at least 19 is needed")
  endif()
  message(STATUS "BoringSSL: ${root}, API version ${version}")

  vestibule_find_boringssl_private(${root} ${include})
  set(vestibule_boringssl_private ${vestibule_boringssl_private} PARENT_SCOPE)

  vestibule_import(BoringSSL::crypto ${include} ${crypto})
  vestibule_import(BoringSSL::ssl ${include} ${ssl})
  set_property(TARGET BoringSSL::crypto PROPERTY INTERFACE_LINK_LIBRARIES Threads::Threads)
  set_property(TARGET BoringSSL::ssl PROPERTY INTERFACE_LINK_LIBRARIES BoringSSL::crypto)
endfunction()

function(vestibule_find_debian_libraries)
  find_package(PkgConfig REQUIRED)
  foreach(library IN ITEMS "uv libuv>=1.44" "nghttp2 libnghttp2>=1.52" "cares libcares>=1.18"
                       "brotli libbrotlienc>=1.0" "brotli_decoder libbrotlidec>=1.0"
                       "prometheus prometheus-cpp-core>=1.0" "hiredis hiredis>=0.14")
    string(REPLACE " " ";" library ${library})
    list(GET library 0 name)
    list(GET library 1 module)
    pkg_check_modules(${name} QUIET IMPORTED_TARGET GLOBAL ${module})
    if(NOT ${name}_FOUND)
      message(FATAL_ERROR "${module} is missing. ${vestibule_install_hint}")
    endif()
    add_library(${name}::${name} ALIAS PkgConfig::${name})
  endforeach()
  add_library(prometheus::core ALIAS PkgConfig::prometheus)
endfunction()

# Compiles turnd/offload's program for the kernel; GCC of Debian 12 can't.
function(vestibule_find_bpf_clang)
  find_program(VESTIBULE_BPF_CLANG NAMES clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 clang
               DOC "A clang that compiles for the kernel's virtual machine (BPF)")
  if(NOT VESTIBULE_BPF_CLANG)
    message(FATAL_ERROR "clang is missing. ${vestibule_install_hint}")
  endif()
endfunction()

# TARGET, of a library that brings neither a CMake file nor one for pkg-config.
function(vestibule_find_plain target file header)
  find_library(library ${file} NO_CACHE)
  find_path(include ${header} NO_CACHE)
  if(NOT library OR NOT include)
    message(FATAL_ERROR "${file} (${header}) is missing. ${vestibule_install_hint}")
  endif()
  add_library(${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${library})
endfunction()

macro(vestibule_require package)
  find_package(${package} QUIET ${ARGN})
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "${package} is missing. ${vestibule_install_hint}")
  endif()
endmacro()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
vestibule_require(fmt)
vestibule_require(nlohmann_json)
vestibule_require(CLI11)
vestibule_require(ZLIB)
vestibule_find_debian_libraries()
vestibule_find_plain(unistring::unistring unistring uninorm.h)
# Static: the programs that are installed need no library for them.
vestibule_find_plain(seccomp::seccomp libseccomp.a seccomp.h)
vestibule_find_plain(elf::elf libelf.a libelf.h)
vestibule_find_plain(bpf::bpf libbpf.a bpf/libbpf.h)
set_property(TARGET elf::elf PROPERTY INTERFACE_LINK_LIBRARIES ZLIB::ZLIB)
set_property(TARGET bpf::bpf PROPERTY INTERFACE_LINK_LIBRARIES elf::elf ZLIB::ZLIB)
vestibule_find_bpf_clang()
vestibule_find_boringssl()
vestibule_import(llhttp::llhttp ${vestibule_dependencies}/llhttp/include
                 ${vestibule_dependencies}/llhttp/lib/libllhttp.a)

if(VESTIBULE_TESTS)
  set(vestibule_catch2 ${vestibule_dependencies}/catch2)
  vestibule_import(Catch2::Catch2 ${vestibule_catch2}/include ${vestibule_catch2}/lib/libCatch2.a)
  vestibule_import(Catch2::Catch2WithMain ${vestibule_catch2}/include ${vestibule_catch2}/lib/libCatch2Main.a)
  set_property(TARGET Catch2::Catch2WithMain PROPERTY INTERFACE_LINK_LIBRARIES Catch2::Catch2)
  # For include(Catch) and catch_discover_tests().
  list(APPEND CMAKE_MODULE_PATH ${vestibule_catch2}/lib/cmake/Catch2)
endif()
