/* SPDX-License-Identifier: Apache-2.0
 * The style sheet, the script and the icon of the pages, src/web/page.css, page.js and icon.svg,
 * which the program has within itself. */
#pragma once

extern const char asset_style[];
extern const char asset_script[];
extern const char asset_icon[];
