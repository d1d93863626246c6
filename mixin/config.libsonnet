// SPDX-License-Identifier: Apache-2.0
{
  _config+:: {
    // Where links lead. null: to the web server of the daemon that was scraped.
    webURL: null,
    runbookURL: null,
    dashboardURL: null,
    // Added to each alert.
    alertLabels: {},
  },
}
