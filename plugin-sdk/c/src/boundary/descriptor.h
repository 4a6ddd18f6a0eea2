/* What the project says of itself: `wasmill build` writes a file with these. */
#ifndef WASMILL_DESCRIPTOR_H
#define WASMILL_DESCRIPTOR_H

extern const char *const wml_plugin_name;
extern const char *const wml_plugin_version;
extern const char *const wml_plugin_summary;

#endif
