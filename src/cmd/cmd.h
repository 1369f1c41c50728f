/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands. Each gives the exit status. */
#ifndef XR_CMD_CMD_H
#define XR_CMD_CMD_H

#include "xr/options.h"

/* Prints the effective configuration with the source of each value; 1 if
 * anything in it is wrong. --sample and --manual print the generated files. */
int cmd_config(struct config *c);
/* Sends one real segment through the whole path and reports line by line. */
int cmd_check(struct config *c);
/* Asks the relay that runs here whether it is well: 0 or 1. For images
 * without a shell. */
int cmd_healthcheck(struct config *c);
/* Prints the segment documents that OTLP requests in files give. */
int cmd_translate(struct config *c);

/* Keeps a Lambda function alive without a relay. Takes no memory. */
int cmd_idle(const char *program);

/* Of a local mode that runs; each takes the configuration and frees it. */
int cmd_ls(struct config *c);
int cmd_show(struct config *c);
int cmd_diff(struct config *c);
int cmd_wait(struct config *c);
int cmd_export(struct config *c);
int cmd_import(struct config *c);
int cmd_env(struct config *c);
int cmd_clear(struct config *c);
int cmd_doctor(struct config *c);
int cmd_demo(struct config *c);
int cmd_tui(struct config *c);
/* Where nothing listens, a child runs serve as long as this process lives. */
int cmd_tail(struct config *c, int (*serve)(struct config *c));

#endif
