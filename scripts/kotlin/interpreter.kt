// LiteRT's Interpreter as an example uses it: the model is run by whoever reads standard output,
// which is LiteRT's own interpreter in Python (scripts/kotlin/check.py).
package org.tensorflow.lite

import java.io.DataInputStream
import java.io.DataOutputStream
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.FloatBuffer

object Pipe {
    val input = DataInputStream(System.`in`.buffered(1 shl 16))
    val output = DataOutputStream(System.out.buffered(1 shl 16))

    fun write(name: String, values: Any) {
        output.writeUTF(name)
        when (values) {
            is ByteArray -> { output.writeUTF("uint8"); output.writeInt(values.size); output.write(values) }
            is FloatArray -> { output.writeUTF("float32"); output.writeInt(values.size); values.forEach(output::writeFloat) }
            else -> error("no way to write ${values::class}")
        }
    }

    fun read(): Any = when (val type = input.readUTF()) {
        "uint8" -> ByteArray(input.readInt()).also(input::readFully)
        "float32" -> FloatArray(input.readInt()) { input.readFloat() }
        else -> error("no way to read $type")
    }
}

class Interpreter(model: ByteBuffer, private val options: Options) {
    class Options {
        var threads = 0

        fun setNumThreads(threads: Int) = apply { this.threads = threads }
    }

    private val size = model.remaining()

    fun runSignature(inputs: Map<String, Any>, outputs: Map<String, Any>, signatureKey: String) {
        Pipe.output.writeUTF("run")
        Pipe.output.writeUTF(signatureKey)
        Pipe.output.writeInt(size)
        Pipe.output.writeInt(options.threads)
        Pipe.output.writeInt(inputs.size)
        inputs.forEach { (name, buffer) -> Pipe.write(name, valuesOf(buffer as Buffer)) }
        Pipe.output.writeInt(outputs.size)
        outputs.forEach { (name, buffer) -> Pipe.write(name, valuesOf(buffer as Buffer)) }
        Pipe.output.flush()
        outputs.values.forEach { buffer ->
            when (val values = Pipe.read()) {
                is ByteArray -> (buffer as ByteBuffer).put(values)
                is FloatArray -> (buffer as FloatBuffer).put(values)
            }
        }
    }

    fun close() = Unit

    private fun valuesOf(buffer: Buffer): Any = when (buffer) {
        is ByteBuffer -> ByteArray(buffer.remaining()).also { buffer.duplicate().get(it) }
        is FloatBuffer -> FloatArray(buffer.remaining()).also { buffer.duplicate().get(it) }
        else -> error("no such buffer in LiteRT: ${buffer::class}")
    }
}
