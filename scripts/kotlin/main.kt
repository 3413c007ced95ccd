// Calls the functions of an example as standard input requests: with all arguments, or without
// those that have a default. "/images" requests its functions for images, "/upright" for rotation.
// The argument is what runs the model: GPU or CPU.
import android.content.ContentResolver
import android.content.Context
import android.graphics.Bitmap
import android.net.Uri
import com.google.ai.edge.litert.hasGpu
import java.lang.reflect.InvocationTargetException
import java.lang.reflect.Modifier
import org.tensorflow.lite.Pipe

fun main(arguments: Array<String>) {
    hasGpu = arguments[0] == "GPU"
    val translator = Translator(Context())
    check(translator.accelerator == arguments[0])
    val methods = Translator::class.java.declaredMethods.filter {
        Modifier.isPublic(it.modifiers) && !it.isSynthetic && it.name !in setOf("close", "getAccelerator")
    }
    Pipe.output.writeInt(methods.size)
    methods.forEach { Pipe.output.writeUTF(it.name) }
    Pipe.output.flush()
    while (true) {
        val name = Pipe.input.readUTF()
        when (name) {
            "" -> break
            "/images" -> bringImage()
            "/upright" -> turnImage()
            else -> call(translator, methods.single { it.name == name })
        }
    }
    translator.close()
}

private fun call(translator: Translator, method: java.lang.reflect.Method) {
    val defaults = Pipe.input.readInt() // a bit for each argument that is omitted
    val arguments = Array<Any>(Pipe.input.readInt()) { Pipe.read() }
    val result = try {
        if (defaults == 0) {
            method.invoke(translator, *arguments)
        } else {
            val withDefaults = Translator::class.java.declaredMethods.single { it.name == "${method.name}\$default" }
            withDefaults.invoke(null, translator, *arguments, defaults, null)
        }
    } catch (failed: InvocationTargetException) {
        Pipe.output.writeUTF("failed")
        Pipe.output.writeUTF(failed.targetException.message ?: "${failed.targetException}")
        Pipe.output.flush()
        return
    }
    val named = if (result is Map<*, *>) result else mapOf("" to result)
    Pipe.output.writeUTF("done")
    Pipe.output.writeInt(named.size)
    named.forEach { (output, values) -> Pipe.write(output as String, values!!) }
    Pipe.output.flush()
}

private val functions by lazy { Class.forName("ImagesKt").declaredMethods }

/** Brings an image to the size of the model, and a result back, by the example's functions. */
private fun bringImage() {
    val (imageHeight, imageWidth, height, width, isNearest) = IntArray(5) { Pipe.input.readInt() }
    val (resultHeight, resultWidth) = IntArray(2) { Pipe.input.readInt() }
    val image = Bitmap.createBitmap(Pipe.read() as IntArray, imageWidth, imageHeight, Bitmap.Config.ARGB_8888)
    val result = Pipe.read() as ByteArray
    // Only the example of a bundle with label maps has the argument.
    fun call(name: String, vararg arguments: Any): Any {
        val function = functions.single { it.name == name }
        val nearest = if (function.parameterCount > arguments.size) arrayOf(isNearest == 1) else arrayOf()
        return function.invoke(null, *arguments, *nearest)
    }
    val pixels = call("pixelsOf", image, width, height)
    val shown = call("bitmapOf", result, width, height, image, resultWidth, resultHeight) as Bitmap
    Pipe.output.writeInt(shown.height)
    Pipe.output.writeInt(shown.width)
    Pipe.write("pixels", pixels)
    Pipe.write("bitmap", shown.levels())
    Pipe.output.flush()
}

/** Reads an image from a file by the example's function, which turns it upright. */
private fun turnImage() {
    val function = functions.single { it.name == "uprightBitmap" }
    val maxPixels = Pipe.input.readInt()
    val image = function.invoke(null, ContentResolver(), Uri(Pipe.input.readUTF()), maxPixels) as Bitmap
    Pipe.output.writeInt(image.height)
    Pipe.output.writeInt(image.width)
    Pipe.write("bitmap", image.levels())
    Pipe.output.flush()
}
