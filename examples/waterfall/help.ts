export const HELP = `\
Draws what happens inside HTTP requests: a waterfall of the spans that
OpenTelemetry exports of each.

Usage:
  npm start                        seven scenes, on local servers
  npm start -- [options] URL...    GET each URL (http or https), one by one

Redirects are not followed: trace the URL that they lead to. Connections are
kept alive: a second request to the same server shows a reused one.

Options:
  --repeat N         make each request N times (default: 1)
  --timeout SECONDS  give up a request without a complete response (default: 30)
  --html FILE        write the waterfalls to FILE too, as one page for a browser
  -h, --help         show this

Environment:
  NO_COLOR=1                   no colours (none either if this is no terminal)
  FORCE_COLOR=1                colours all the same
  OTEL_EXPORTER_OTLP_ENDPOINT  export the spans there too, by OTLP over HTTP:
                               http://localhost:4318
  NODE_DEBUG=httptrace         each phase of each request a line on stderr

Exit codes:
  0  every URL was answered, whatever the HTTP status
     (without URLs: every scene ended as it should)
  1  a request failed: no connection, no trust, no complete response;
     or the page could not be written
  2  the command line is wrong; nothing was requested
`;
