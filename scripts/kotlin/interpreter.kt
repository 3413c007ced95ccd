// A stub of LiteRT's Interpreter. It sends the inputs to scripts/kotlin/check.py over standard
// output, which runs the model with LiteRT's interpreter for Python and sends the outputs back.
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
            else -> error("cannot write ${values::class}")
        }
    }

    fun read(): Any = when (val type = input.readUTF()) {
        "uint8" -> ByteArray(input.readInt()).also(input::readFully)
        "float32" -> FloatArray(input.readInt()) { input.readFloat() }
        else -> error("cannot read $type")
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
        else -> error("LiteRT takes no ${buffer::class}")
    }
}
