// Where the page is: read from the address, and from nothing else.

class Route {
  /** The page: `conversations`; empty at the root. */
  page = $state('');
  /** What comes after it, decoded. */
  rest = $state.raw<string[]>([]);
  query = $state.raw(new URLSearchParams());

  constructor() {
    this.read();
  }

  read(): void {
    const [page = '', ...rest] = location.pathname
      .replace(/^\/console\/?/, '')
      .split('/')
      .map(decoded);
    this.page = page;
    this.rest = rest.filter((part) => part !== '');
    this.query = new URLSearchParams(location.search);
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = new Route();
