/* SPDX-License-Identifier: Apache-2.0
 * The Makefile makes a C string of each file. */
#include "web/assets.h"

const char asset_style[] =
#include "page.css.inc"
	;

const char asset_script[] =
#include "page.js.inc"
	;

const char asset_icon[] =
#include "icon.svg.inc"
	;
