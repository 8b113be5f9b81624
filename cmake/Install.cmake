# cmake --install BUILD --prefix DIR: the libraries (float scalars) with their headers and a CMake package, and the programs.
#   find_package(peft_cpp REQUIRED)
#   target_link_libraries(mine PRIVATE peft::models peft::peft peft::data)
# tests/consumer is such a project. `--component library` leaves the programs out.
include(CMakePackageConfigHelpers)
set(PEFT_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/peft_cpp)

set(names flags engine engine_base engine_tensor engine_autograd engine_ops engine_nn engine_optim engine_io engine_metrics
          engine_dist engine_train models peft data text_metrics table_text tasks hub run run_by_name
          run_plan run_pretrain)
list(TRANSFORM names PREPEND peft_ OUTPUT_VARIABLE targets)
foreach(name ${names})
  set_target_properties(peft_${name} PROPERTIES EXPORT_NAME ${name})
endforeach()
install(TARGETS ${targets} EXPORT peft_cpp COMPONENT library ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT peft_cpp NAMESPACE peft:: FILE peft_cppTargets.cmake DESTINATION ${PEFT_PACKAGE_DIR} COMPONENT library)

string(REPLACE ";" " " PEFT_PROCESSOR_FLAGS_TEXT "${PEFT_PROCESSOR_FLAGS}")
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/peft_cppConfig.cmake.in ${PROJECT_BINARY_DIR}/peft_cppConfig.cmake
                              INSTALL_DESTINATION ${PEFT_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/peft_cppConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/peft_cppConfig.cmake ${PROJECT_BINARY_DIR}/peft_cppConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/Dependencies.cmake
        DESTINATION ${PEFT_PACKAGE_DIR} COMPONENT library)
foreach(folder engine models peft data tasks hub run)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/peft_cpp COMPONENT library
          FILES_MATCHING PATTERN "*.h" PATTERN demo EXCLUDE PATTERN pretrained EXCLUDE)
endforeach()

# The links in a folder of their own: other packages have a `compare` and a `merge` too.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/links)
install(TARGETS peft COMPONENT programs RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
file(RELATIVE_PATH PEFT_PROGRAM ${CMAKE_INSTALL_FULL_LIBEXECDIR}/peft_cpp
     ${CMAKE_INSTALL_FULL_BINDIR}/peft)
foreach(name ${PEFT_PROGRAM_LINKS})
  file(CREATE_LINK ${PEFT_PROGRAM} ${PROJECT_BINARY_DIR}/links/${name} SYMBOLIC)
  install(FILES ${PROJECT_BINARY_DIR}/links/${name} COMPONENT programs
          DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/peft_cpp)
endforeach()
