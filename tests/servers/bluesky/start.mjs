// A directory of identities (in memory) and an account server, on loopback only. Everything is thrown away at the end.
//   node start.mjs FOLDER PORT LISTEN DIRECTORY_PORT
// PORT is in the identities that the server gives out; it listens on LISTEN, which differs where a proxy stands before it.
import crypto from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'

const [folder, port, listen, directory] = [process.argv[2], ...process.argv.slice(3).map(Number)]

// Both servers would listen on every interface.
const listenAnywhere = net.Server.prototype.listen
net.Server.prototype.listen = function (wanted, ...rest) {
  if (typeof wanted !== 'number' || typeof rest[0] === 'string') return listenAnywhere.call(this, wanted, ...rest)
  return listenAnywhere.call(this, wanted === port ? listen : wanted, '127.0.0.1', ...rest)
}

const all = (found) => ({ ...found.default, ...found })
const { PlcServer, Database } = all(await import('@did-plc/server'))
const { PDS, envToCfg, envToSecrets } = all(await import('@atproto/pds'))

const plc = PlcServer.create({ db: Database.mock(), port: directory })
await plc.start()

const blobs = path.join(folder, 'blobs')
fs.mkdirSync(blobs, { recursive: true })
const settings = {
  devMode: true,
  hostname: 'localhost',
  port,
  serviceHandleDomains: ['.test'],
  inviteRequired: false,
  disableSsrfProtection: true,
  enableDidDocWithSession: true,
  dataDirectory: folder,
  blobstoreDiskLocation: blobs,
  blobstoreDiskTmpLocation: path.join(folder, 'uploads'),
  didPlcUrl: `http://localhost:${directory}`,
  adminPassword: crypto.randomBytes(16).toString('hex'),
  jwtSecret: crypto.randomBytes(16).toString('hex'),
  dpopSecret: crypto.randomBytes(32).toString('hex'),
  plcRotationKeyK256PrivateKeyHex: crypto.randomBytes(32).toString('hex'),
}
const pds = await PDS.create(envToCfg(settings), envToSecrets(settings))
await pds.start()
console.log('ready')

const stop = async () => {
  await pds.destroy()
  await plc.destroy()
  process.exit(0)
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
