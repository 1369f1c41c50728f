# SPDX-License-Identifier: Apache-2.0
"""What the scenarios are written with: the real binary on free ports, a fake
AWS that checks every signature, and senders. CONTRIBUTING.md shows a scenario.
"""
