// SPDX-License-Identifier: Apache-2.0
// Whether the page is as narrow as a phone: rows are higher then, and some
// parts are left out. The same width stands in app.css. (The layout worker has
// this module too, and no screen.)
import { useEffect, useState } from 'preact/hooks';

const query = typeof matchMedia === 'function'
  ? matchMedia('(max-width: 720px)') : null;

export function useNarrow() {
  const [is, set] = useState(query.matches);
  useEffect(() => {
    const fn = () => set(query.matches);
    query.addEventListener('change', fn);
    return () => query.removeEventListener('change', fn);
  }, []);
  return is;
}
