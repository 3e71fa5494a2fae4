// A program on a person's machine that uses the TypeScript SDK's client as it comes.
//
//   node typescript_assistant.mjs NODE_MODULES SERVER_URL http|sse
//
// It does what each line on stdin says, and answers each with a line on stdout. A line that says
// {"open": address} may come before an answer: a browser has to be led there.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const [modules, server, way] = process.argv.slice(2)
const sdk = createRequire(`${modules}/`)
const { Client } = sdk('@modelcontextprotocol/sdk/client/index.js')
const { UnauthorizedError } = sdk('@modelcontextprotocol/sdk/client/auth.js')
const { SSEClientTransport } = sdk('@modelcontextprotocol/sdk/client/sse.js')
const { StreamableHTTPClientTransport } = sdk('@modelcontextprotocol/sdk/client/streamableHttp.js')

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

/** What the program keeps on the disk, in the form the SDK asks for it. */
class Kept {
  constructor(here) {
    this.here = here
    this.redirectUrl = here.redirectUrl
  }

  get clientMetadata() {
    return {
      client_name: 'Assistant in TypeScript',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none'
    }
  }

  state = () => (this.expected = randomUUID())
  clientInformation = () => this.client
  saveClientInformation = (client) => void (this.client = client)
  tokens = () => this.given
  saveTokens = (tokens) => void (this.given = tokens)
  codeVerifier = () => this.verifier
  saveCodeVerifier = (verifier) => void (this.verifier = verifier)

  redirectToAuthorization(address) {
    this.answer = this.here.answer()
    say({ open: address.href })
  }

  invalidateCredentials(scope) {
    if (scope === 'all' || scope === 'tokens') this.given = undefined
    if (scope === 'all' || scope === 'client') this.client = undefined
  }
}

/** Listens for what the sign-in page answers. */
async function listen() {
  const waiting = []
  const listener = createServer((request, response) => {
    const arrived = new URL(request.url, 'http://127.0.0.1')
    if (arrived.pathname !== '/callback') return response.writeHead(404).end()
    response.setHeader('Content-Type', 'text/html')
    response.end('<h1>Back at the assistant</h1>')
    waiting.shift()(arrived.searchParams)
  })
  await new Promise((listening) => listener.listen(0, '127.0.0.1', listening))
  listener.unref()
  return {
    redirectUrl: `http://127.0.0.1:${listener.address().port}/callback`,
    answer: () => new Promise((arrived) => waiting.push(arrived))
  }
}

const kept = new Kept(await listen())
let client, transport

/** Do something that may need a person; once they have signed in, do it again. */
async function signedIn(act) {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
  }
  const answered = await kept.answer
  if (answered.get('state') !== kept.expected) throw new Error('an answer to another question')
  if (answered.get('iss') !== server) throw new Error(`an answer of ${answered.get('iss')}`)
  await transport.finishAuth(answered.get('code'))
  return await act()
}

async function connect() {
  const Transport = way === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport
  const url = new URL(way === 'sse' ? '/sse' : '/mcp', server)
  transport = new Transport(url, { authProvider: kept })
  client = new Client({ name: 'assistant', version: '1' })
  await client.connect(transport)
  return { server: client.getServerVersion().name }
}

const known = {
  connect: () => signedIn(connect),
  tools: () => signedIn(() => client.listTools()),
  call: ({ tool }) => signedIn(() => client.callTool({ name: tool, arguments: {} })),
  kept: async () => ({ tokens: kept.given, client: kept.client }),
  keep: async ({ tokens }) => void (kept.given = tokens)
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  try {
    say({ result: (await known[asked.do](asked)) ?? null })
  } catch (error) {
    say({ error: error.stack })
  }
}
await client?.close()
