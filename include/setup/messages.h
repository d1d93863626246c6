/* SPDX-License-Identifier: Apache-2.0
 * MESSAGE_ID= of the journal: one per kind of event, for `journalctl MESSAGE_ID=...`. Also in the
 * man page. */
#pragma once

#define MESSAGE_VERDICT "5a1d36a3c6b84b3a9c61f5f0a3ef6d11"
#define MESSAGE_ACTION "f0c7c4d8f7f84e0f9d3a2a8f1ff0c2b2"
#define MESSAGE_ACTION_ENDED "0b0d5d6e2f5c4d9f8d3b7f3b6a1c9e33"
#define MESSAGE_RELOAD "c1f4c0cd6ef04b0c8a7a1f2d9b5e7a44"
#define MESSAGE_PAUSE "7c0e9c1b54a64c7e8f2b6d3f9a1e5c08"
#define MESSAGE_ACCESS "7d6f3b1c24c94f6e8a5b0f2c9e1d4a66"
#define MESSAGE_BREAKER "7d0e5a5b1d0f4f0f8a0c2b9e4c6f1a55"
#define MESSAGE_MAX_RUNTIME "4b9be4a1d0c94c1f8a57e2b90d6f3c71"
#define MESSAGE_LEADER "4f1f6d0e9b6c4d1bb3f86c2a57e09d71"
#define MESSAGE_NOTICE "d3a1c0b45e8f4a57b6f2c6e19c7a5d18"
