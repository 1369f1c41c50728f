// SPDX-License-Identifier: Apache-2.0
// How wide the page is. As narrow as a phone: rows are higher then, and some
// parts are left out. Below medium the details lie over what they are of. The
// same widths stand in style/narrow.css. (The layout worker has this module too,
// and no screen.)
import { useEffect, useState } from 'preact/hooks';

function watch(text) {
  const query = typeof matchMedia === 'function' ? matchMedia(text) : null;
  return () => {
    const [is, set] = useState(query.matches);
    useEffect(() => {
      const fn = () => set(query.matches);
      query.addEventListener('change', fn);
      return () => query.removeEventListener('change', fn);
    }, []);
    return is;
  };
}

export const useNarrow = watch('(max-width: 720px)');
export const useBelowWide = watch('(max-width: 1100px)');
