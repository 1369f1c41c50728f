// SPDX-License-Identifier: Apache-2.0
// The one place that names the rendering library. `html` makes elements and
// text nodes, never parsed markup: what a trace holds cannot become an element.
import { h } from 'preact';
import htm from 'htm';

export const html = htm.bind(h);
export { render, Fragment } from 'preact';
export { useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback }
  from 'preact/hooks';
export { memo } from './memo.js';
