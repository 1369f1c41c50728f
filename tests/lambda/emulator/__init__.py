# SPDX-License-Identifier: Apache-2.0
"""A Lambda execution environment: the runtime API, the Extensions API and the
Telemetry API over real processes, frozen by SIGSTOP between invocations. Each
rule of the platform that a process breaks is an assertion."""
