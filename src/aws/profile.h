/* SPDX-License-Identifier: Apache-2.0 */
/* The shared configuration and credentials files, and profiles in them. */
#ifndef XR_AWS_PROFILE_H
#define XR_AWS_PROFILE_H

#include "file.h"

#define PROFILE_FILE_MAX ((size_t)1 << 20)

enum { PROFILE_CONFIG, PROFILE_CREDENTIALS, PROFILE_FILES };

struct profiles {
    struct buf text[PROFILE_FILES];
    struct file_stamp stamp[PROFILE_FILES];
};

/* AWS_PROFILE, AWS_DEFAULT_PROFILE, else "default". */
const char *profile_chosen(void);
/* Reads both files; a missing one is empty. -1 when one cannot be read. */
int profiles_read(struct profiles *p, struct err *err);
/* Wipes the text, which holds secrets. */
void profiles_free(struct profiles *p);
bool profile_exists(const struct profiles *p, struct slice name);
/* A value of the profile: the credentials file goes before the config file.
 * False when absent or empty. Borrowed from p. */
bool profile_get(const struct profiles *p, struct slice name, const char *key,
                 struct slice *value);
/* A value of the section [sso-session NAME]. */
bool profile_sso_session(const struct profiles *p, struct slice name,
                         const char *key, struct slice *value);
/* Writes HOME/rest; false when there is no home or it is too long. */
bool profile_home_path(const char *rest, char out[FILE_PATH_MAX]);

#endif
