/* SPDX-License-Identifier: Apache-2.0
 * MESSAGE_ID= of the journal: one per kind of event, for `journalctl MESSAGE_ID=...`. Also in the
 * man page. */
#pragma once

#define MESSAGE_VERDICT "5a1d36a3c6b84b3a9c61f5f0a3ef6d11"
#define MESSAGE_ACTION "f0c7c4d8f7f84e0f9d3a2a8f1ff0c2b2"
#define MESSAGE_ACTION_ENDED "0b0d5d6e2f5c4d9f8d3b7f3b6a1c9e33"
#define MESSAGE_RELOAD "c1f4c0cd6ef04b0c8a7a1f2d9b5e7a44"
