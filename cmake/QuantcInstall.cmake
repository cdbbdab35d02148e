# What `cmake --install` gives: headers, the shared library, the tools, and a
# CMake package with the target Quantc::Quantc.
include(CMakePackageConfigHelpers)

# LLVM stays where it was found; a wheel says for itself (python/).
if(NOT SKBUILD)
  set_target_properties(Quantc PROPERTIES INSTALL_RPATH "${LLVM_LIBRARY_DIRS}")
endif()
install(TARGETS Quantc EXPORT QuantcTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/quantc include/quantc-c
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.def")
install(DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/include/quantc"
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.inc" PATTERN "CMakeFiles" EXCLUDE)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Quantc")
install(EXPORT QuantcTargets NAMESPACE Quantc:: DESTINATION "${package_dir}")
configure_package_config_file(
  "${CMAKE_CURRENT_SOURCE_DIR}/cmake/QuantcConfig.cmake.in"
  "${CMAKE_CURRENT_BINARY_DIR}/QuantcConfig.cmake"
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(
  "${CMAKE_CURRENT_BINARY_DIR}/QuantcConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/QuantcConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/QuantcConfigVersion.cmake"
        DESTINATION "${package_dir}")
